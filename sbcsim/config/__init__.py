"""The configuration plane: persistent tree, transactions, rules, history, rendering."""
