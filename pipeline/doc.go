// Package pipeline carries what became true to what follows from it.
//
//	store -> Relay -> Bus -> Router -> store (jobs) -> Workers -> store
//
// The store is the truth. The [Relay] publishes its events, in order, to the
// [Bus]: NATS JetStream under watermill, run inside the process or elsewhere.
// The handlers of the [Router] turn events into jobs and store them, nothing
// more; [Workers] run the jobs, and what a job brings about is committed
// together with its end.
//
// # Guarantee
//
// Every event reaches every handler at least once, in the order of the store
// for each handler by itself; handlers of different types have no order among
// each other. Doubles are cut off twice: by the Nats-Msg-Id, which is the ID
// of the event, and by the key of the job. The bus may be deleted or lost at
// any time: it is declared anew, and the relay publishes the recent events
// once more. A job runs at least once; its Commit is applied exactly once.
//
// The bus in the process survives a kill of the process as it is. What a power
// loss takes from it is published again, because the relay marks an event as
// published only after the bus has had time to bring it to the disk. For a bus
// elsewhere that is left to its own sync_interval and replicas.
package pipeline
