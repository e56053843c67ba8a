import importlib.util

# an extra of its own, which only `make mutants` installs
collect_ignore_glob = [] if importlib.util.find_spec("cosmic_ray") else ["*.py"]
