"""The modules that componentize-py makes a component of: `rule`, of an author's
`rule.py`, and `notifier`, of `notifier.py`.

Everything at the top of a module runs when the component is built, and what memory
holds then is what each evaluation starts from. Only here are the bindings imported
that componentize-py makes of the contract; they exist nowhere else.
"""
