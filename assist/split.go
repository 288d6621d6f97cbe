package assist

import (
	"crypto/sha256"
	"encoding/hex"
	"path"
	"regexp"
	"strconv"
	"strings"

	"earshot"
)

// maxPassage bounds a passage in words. A longer sentence is kept whole.
const maxPassage = 120

// section is the text under one heading; its blocks are paragraphs and items
// of lists, without markup.
type section struct {
	heading string
	blocks  []string
}

// split cuts an article into passages. The name says what format it is in.
func split(name, content string) []earshot.Passage {
	content = strings.ReplaceAll(strings.ReplaceAll(content, "\r\n", "\n"), "\r", "\n")
	content = strings.ToValidUTF8(strings.TrimPrefix(content, "\ufeff"), "")
	var sections []section
	switch strings.ToLower(path.Ext(name)) {
	case ".md", ".markdown":
		sections = markdown(content)
	case ".html", ".htm":
		sections = hypertext(content)
	default:
		sections = plainText(content)
	}
	var out []earshot.Passage
	for _, s := range sections {
		if s.heading == "" {
			s.heading = titleOf(name)
		}
		for _, text := range pieces(s.blocks) {
			out = append(out, earshot.Passage{ID: passageID(name, len(out), s.heading+"\n"+text), Article: name, Heading: s.heading, Text: text})
		}
	}
	return out
}

// passageID names a passage by its place and content, so that a passage that
// was changed is another one.
func passageID(article string, n int, content string) string {
	sum := sha256.Sum256([]byte(content))
	return article + "#" + strconv.Itoa(n+1) + "-" + hex.EncodeToString(sum[:4])
}

// titleOf makes a heading of a file name: "return-policy.txt".
func titleOf(name string) string {
	base := strings.TrimSuffix(path.Base(name), path.Ext(name))
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r == '-' || r == '_' {
			return ' '
		}
		return r
	}, base))
}

// pieces joins blocks to texts of at most maxPassage words, cut between blocks
// or, within a long block, between sentences.
func pieces(blocks []string) []string {
	var out []string
	var b strings.Builder
	count := 0
	flush := func() {
		if count > 0 {
			out = append(out, b.String())
		}
		b.Reset()
		count = 0
	}
	add := func(text, sep string) {
		n := len(strings.Fields(text))
		if n == 0 {
			return
		}
		if count > 0 && count+n > maxPassage {
			flush()
		}
		if count > 0 {
			b.WriteString(sep)
		}
		b.WriteString(text)
		count += n
	}
	for _, block := range blocks {
		if len(strings.Fields(block)) <= maxPassage {
			add(block, "\n")
			continue
		}
		for i, s := range sentencesOf(block) {
			if i == 0 {
				add(s, "\n")
			} else {
				add(s, " ")
			}
		}
	}
	flush()
	return out
}

// sentencesOf cuts text at line ends and after full stops.
func sentencesOf(text string) []string {
	var out []string
	for line := range strings.SplitSeq(text, "\n") {
		start := 0
		for i := 0; i < len(line); i++ {
			if (line[i] == '.' || line[i] == '!' || line[i] == '?') && i+1 < len(line) && line[i+1] == ' ' && !isAbbreviated(line[:i]) {
				out = append(out, strings.TrimSpace(line[start:i+1]))
				start = i + 2
			}
		}
		if rest := strings.TrimSpace(line[min(start, len(line)):]); rest != "" {
			out = append(out, rest)
		}
	}
	return out
}

// isAbbreviated reports whether the full stop behind s ends no sentence: "e.g".
func isAbbreviated(s string) bool {
	word := s[strings.LastIndexByte(s, ' ')+1:]
	switch strings.ToLower(strings.Trim(word, "(")) {
	case "e.g", "i.e", "mr", "mrs", "ms", "dr", "no", "approx", "etc", "vs", "st":
		return true
	}
	return false
}

// plainText takes a short first line for the heading.
func plainText(content string) []section {
	var s section
	for block := range strings.SplitSeq(content, "\n\n") {
		text := strings.Join(strings.Fields(block), " ")
		if text == "" {
			continue
		}
		if s.heading == "" && len(s.blocks) == 0 && len(strings.Fields(text)) <= 10 && !strings.ContainsAny(text[len(text)-1:], ".!:;,") {
			s.heading = text
			continue
		}
		s.blocks = append(s.blocks, text)
	}
	return []section{s}
}

var (
	mdLink  = regexp.MustCompile(`!?\[([^\]]*)\]\([^)]*\)`)
	mdItem  = regexp.MustCompile(`^\s*(?:[-*+]|\d{1,3}[.)])\s+`)
	mdRule  = regexp.MustCompile(`^\s*(?:[-*_]\s*){3,}$|^\s*\|?[\s:|-]*-{2,}[\s:|-]*$`)
	mdEmph  = regexp.MustCompile("\\*\\*|__|`")
	mdStar  = regexp.MustCompile(`(^|\s)[*_](\S[^*_]*)[*_]`)
	anyTag  = regexp.MustCompile(`<[a-zA-Z/!][^<>]*>`)
	mdFront = regexp.MustCompile(`(?s)\A---\n.*?\n---\n`)
)

// markdown reads headings, paragraphs, lists and tables.
func markdown(content string) []section {
	content = mdFront.ReplaceAllString(content, "")
	var out outline
	fenced := false
	for line := range strings.SplitSeq(content, "\n") {
		trimmed := strings.TrimSpace(line)
		if strings.HasPrefix(trimmed, "```") || strings.HasPrefix(trimmed, "~~~") {
			fenced = !fenced
			out.endBlock()
			continue
		}
		level := 0
		for level < len(trimmed) && trimmed[level] == '#' {
			level++
		}
		switch {
		case fenced:
			out.line(trimmed)
			out.endBlock()
		case level > 0 && level <= 6 && level < len(trimmed) && trimmed[level] == ' ':
			out.heading(level, inline(strings.Trim(trimmed[level:], "# ")))
		case trimmed == "" || mdRule.MatchString(trimmed):
			out.endBlock()
		case mdItem.MatchString(line):
			out.endBlock()
			out.line(inline(mdItem.ReplaceAllString(line, "")))
		case strings.HasPrefix(trimmed, "|"):
			out.endBlock()
			out.line(row(trimmed))
			out.endBlock()
		default:
			out.line(inline(strings.TrimPrefix(trimmed, "> ")))
		}
	}
	return out.done()
}

func row(line string) string {
	cells := strings.Split(strings.Trim(line, "|"), "|")
	for i := range cells {
		cells[i] = inline(strings.TrimSpace(cells[i]))
	}
	return strings.Join(cells, ", ")
}

// inline takes the markup off a line.
func inline(s string) string {
	s = mdLink.ReplaceAllString(s, "$1")
	s = mdEmph.ReplaceAllString(s, "")
	s = mdStar.ReplaceAllString(s, "$1$2")
	return strings.TrimSpace(anyTag.ReplaceAllString(s, ""))
}

// outline collects sections; a heading carries the title of the article and
// the headings above it.
type outline struct {
	sections []section
	path     [7]string
	current  section
	block    []string
}

func (o *outline) line(s string) {
	if s != "" {
		o.block = append(o.block, s)
	}
}

func (o *outline) endBlock() {
	if len(o.block) > 0 {
		o.current.blocks = append(o.current.blocks, strings.Join(o.block, " "))
	}
	o.block = nil
}

func (o *outline) endSection() {
	o.endBlock()
	if len(o.current.blocks) > 0 {
		o.sections = append(o.sections, o.current)
	}
	o.current = section{}
}

func (o *outline) heading(level int, text string) {
	o.endSection()
	o.path[level] = text
	clear(o.path[level+1:])
	var parts []string
	for _, p := range o.path[1 : level+1] {
		if p != "" {
			parts = append(parts, p)
		}
	}
	o.current.heading = strings.Join(parts, " \u203a ")
}

func (o *outline) done() []section {
	o.endSection()
	return o.sections
}
