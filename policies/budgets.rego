# METADATA
# title: Budgets
# description: What an entry is charged to, and what it obliges to so that a budget holds.
package weir.budgets

# METADATA
# title: Budgets that a request or a connection is charged to
# description: |
#   Of an intercepted connection those that count connections are charged, the others by its exchanges. A tunnel and a
#   session of a database are charged as a whole.
charged(entry) := entry.budgets

# METADATA
# title: Limits of a request and its answer
# description: A connection has none by itself.
obligations(entry) := entry.obligations
