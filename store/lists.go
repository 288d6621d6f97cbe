package store

import "earshot"

// FillCall makes the lists of a call empty where they are nil, so that they
// are [] in JSON, never null.
func FillCall(c *earshot.Call) {
	fill(&c.Participants)
	fill(&c.Streams)
	fill(&c.Segments)
	fill(&c.Tags)
	fill(&c.Marks)
	for i := range c.Streams {
		fill(&c.Streams[i].ParticipantIDs)
		fill(&c.Streams[i].Media.Formats)
	}
	if c.Summary != nil {
		FillSummary(c.Summary)
	}
}

// FillSummary does the same for a summary.
func FillSummary(s *earshot.Summary) {
	fill(&s.Facts)
	fill(&s.Actions)
	fill(&s.OpenQuestions)
}

// FillNote does the same for a note.
func FillNote(n *earshot.Note) {
	fill(&n.Participants)
	fill(&n.Tags)
	FillSummary(&n.Summary)
}

// FillAgent does the same for an agent.
func FillAgent(a *earshot.Agent) {
	fill(&a.Extensions)
	fill(&a.AORs)
}

// FillQueue does the same for a queue.
func FillQueue(q *earshot.Queue) { fill(&q.Numbers) }

func fill[T any](list *[]T) {
	if *list == nil {
		*list = []T{}
	}
}
