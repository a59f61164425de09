# METADATA
# title: Credentials
# description: Which grants an entry lends. Policy names them; the boundary holds what they stand for.
package weir.credentials

# METADATA
# title: What a request is lent
for_exchange(entry) := entry.grants

# METADATA
# title: What a connection is lent
# description: |
#   An intercepted connection lends nothing by itself. A tunnel is never lent a credential, because nobody sees what it is
#   used for. A session of a database is lent its login once the database is known.
for_connection(entry) := entry.grants if {
	entry.handling == "postgres"
	input.sql
} else := []
