// Package soak holds the live connectors to an exchange that does everything wrong that real ones do: bots trade
// through each venue's connector against the loopback exchange over real sockets while faults come by chance, and in
// the end orders, executions, positions and books have to be those of the exchange. It has tests only;
// HFTRUNNER_SOAK=10m makes them long, HFTRUNNER_SEED chooses another course.
package soak
