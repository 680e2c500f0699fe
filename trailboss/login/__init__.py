"""Login providers: who somebody is, as others say. One module for each, behind the interface in `provider.py`.

In: the settings of a provider and what a person has given. Out: the person and its groups. Nothing here knows of
accounts, rows or requests; what follows from a login is in `resources/token.py`. `passwords.py` hashes those kept here.
"""
