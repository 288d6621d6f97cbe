package spoken

// IsStop reports whether a word in canonical form says nothing about what is
// talked of: articles, pronouns, auxiliaries and the courtesies of calls.
func IsStop(w string) bool {
	if len(w) < 2 {
		return true
	}
	switch w {
	case "the", "an", "and", "or", "but", "if", "of", "to", "in", "on", "at", "by", "for", "with", "from", "as", "into", "about", "than", "so", "then", "up", "out", "off", "over",
		"is", "am", "are", "was", "were", "be", "been", "being", "do", "does", "did", "doing", "done", "have", "has", "had", "having",
		"can", "could", "will", "would", "shall", "should", "may", "might", "must", "not", "no",
		"he", "she", "it", "we", "you", "they", "me", "him", "her", "us", "them", "my", "your", "his", "its", "our", "their", "mine", "yours",
		"this", "that", "these", "those", "there", "here", "what", "which", "who", "whom", "whose", "when", "where", "why", "how",
		"just", "also", "very", "really", "too", "only", "even", "still", "again", "already", "now", "well", "like", "some", "any", "all", "both", "each", "more", "most", "much", "many", "other", "such", "own", "same",
		"hi", "hello", "hey", "yes", "yeah", "yep", "okay", "ok", "alright", "right", "please", "thanks", "thank", "sorry", "oh", "uh", "um", "er", "hmm", "mm", "sure", "great", "good", "fine", "morning", "afternoon", "evening", "bye", "goodbye",
		"know", "think", "guess", "mean", "want", "wanted", "need", "get", "got", "getting", "go", "going", "make", "let", "say", "tell", "see", "look", "looking", "come", "give", "take", "put", "try", "trying", "wondering", "wonder", "ask", "asking", "calling", "called",
		"thing", "things", "stuff", "something", "anything", "everything", "someone", "kind", "sort", "bit", "lot", "way", "maybe", "actually", "basically", "because", "whether", "since", "while", "until", "though",
		"ll", "ve", "re", "possible", "help", "able", "day", "today", "time", "one", "ones":
		return true
	}
	return IsHesitation(w)
}
