"""The player: one self-contained page that steps through a backward pass in the browser.

``arrays`` and ``payload`` turn a trace into compact data, ``page`` writes it into a page with the scripts and the
style that stand beside, ``player`` is what users call.
"""
