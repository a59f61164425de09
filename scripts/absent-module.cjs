// Stands in the bundle for an optional module that its user tries to load, and does without when it cannot.
throw new Error("not in this bundle");
