# Data and questions that the tests of the library share.
package weir.fixture_test

entry := {
	"order": 0,
	"rule": "api.read",
	"effect": "allow",
	"agents": [{"namespace": null, "name": null}],
	"ports": [443],
	"schemes": ["https"],
	"handling": "intercept",
	"methods": ["GET", "HEAD"],
	"paths": [{"segments": [], "rest": true}],
	"path_texts": ["/**"],
	"whole": false,
	"websocket": false,
	"grants": ["api"],
	"budgets": ["team"],
	"obligations": {"max_request_bytes": 10},
	"readings": [],
	"reason": "the policy refuses this",
	"hint": "ask",
}

# One entry for `api.test` with the given differences.
egress(differences) := egress_of([object.union(entry, differences)])

egress_of(entries) := {
	"hosts": {"exact": {"api.test": entries}, "one": {}, "many": {}},
	"addresses": [],
	"hidden": {"exact": {}, "one": {}, "many": {}},
}

question := {
	"version": 1,
	"agent": {"namespace": "default", "name": "reviewer", "thread": "t", "user": "u", "labels": {}, "chain": []},
	"connection": {"name": "api.test", "is_address": false, "port": 443, "wire": "tls", "sni": "api.test", "alpn": []},
	"request": {
		"method": "GET",
		"scheme": "https",
		"host": "api.test",
		"port": 443,
		"path": ["v1", "models"],
		"query": {},
		"headers": {},
		"upgrade": null,
	},
	"budgets": {},
	"time": "2026-01-01T00:00:00.000Z",
}

connecting(differences) := object.union(question, {"connection": differences})

requesting(differences) := object.union(question, {"request": differences})
