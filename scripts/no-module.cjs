// Stands in the bundle for an optional module that is not used.
module.exports = false;
