// Package directory knows who works in the contact centre: agents with their
// extensions and addresses, teams, and the queues that callers dial. It is read
// from a file (YAML or CSV) that is followed as it changes, or kept by the API;
// the store has the truth, and questions are answered from memory.
package directory
