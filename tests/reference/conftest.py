collect_ignore_glob = ["record*.py"]  # needs PyTorch, and is no test
