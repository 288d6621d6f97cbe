// Package salesforce writes the notes of calls into Salesforce as tasks that are
// calls, with follow-up tasks, and shows calls while they last by a platform
// event
// (https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_task.htm,
// https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/).
//
// # Guarantee
//
// At least once, by look-before-write: our ID of the note is in CallObject, and
// each attempt asks for it by SOQL, which unlike the search reads what is
// committed. A double, two tasks with the same CallObject, takes a request that
// Salesforce commits only after the next attempt has looked. With a text field
// of activities that is an external ID and unique, where the organisation has
// one, a new note is upserted by it: exactly once.
//
// A task that somebody deletes in Salesforce is made again by the next revision.
//
// # Answers
//
// Those of package [earshot/crm/rest], and
//
//	403 REQUEST_LIMIT_EXCEEDED, 400 UNABLE_TO_LOCK_ROW
//	                     tried again
//	404, ENTITY_IS_DELETED for a task that was there
//	                     it is made again
//	ENTITY_IS_DELETED, INVALID_CROSS_REFERENCE_KEY with a contact
//	                     the contact is gone: the task stays without one
package salesforce
