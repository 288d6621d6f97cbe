package assist

import (
	"html"
	"strings"
)

// hypertext reads the headings and blocks of a page. It is no browser: it knows
// the tags that begin a new block and drops all others.
func hypertext(content string) []section {
	var out outline
	var text strings.Builder
	level, title := 0, ""
	end := func() {
		s := strings.Join(strings.Fields(html.UnescapeString(text.String())), " ")
		text.Reset()
		switch {
		case level > 0:
			out.heading(level, s)
		case s != "":
			out.line(s)
			out.endBlock()
		}
	}
	for content != "" {
		lt := strings.IndexByte(content, '<')
		if lt < 0 {
			text.WriteString(content)
			break
		}
		text.WriteString(content[:lt])
		tag, rest := cutTag(content[lt:])
		content = rest
		name := tagName(tag)
		switch {
		case name == "script" || name == "style" || name == "template" || name == "nav":
			content = skipElement(content, name)
		case name == "title":
			title, content = takeElement(content, name)
		case len(name) == 2 && name[0] == 'h' && name[1] >= '1' && name[1] <= '6':
			end()
			level = int(name[1] - '0')
		case len(name) == 3 && name[:2] == "/h" && name[2] >= '1' && name[2] <= '6':
			end()
			level = 0
		case isBlock(strings.TrimPrefix(name, "/")):
			if level == 0 {
				end()
			}
			text.WriteByte(' ')
		case name == "":
			text.WriteString(tag)
		}
	}
	end()
	sections := out.done()
	for i := range sections {
		if sections[i].heading == "" {
			sections[i].heading = strings.Join(strings.Fields(html.UnescapeString(title)), " ")
		}
	}
	return sections
}

// cutTag cuts the tag or comment off that s begins with. A "<" that begins no
// tag is text.
func cutTag(s string) (tag, rest string) {
	if strings.HasPrefix(s, "<!--") {
		if _, after, ok := strings.Cut(s, "-->"); ok {
			return "<!>", after
		}
		return "<!>", ""
	}
	if len(s) < 2 || !strings.ContainsRune("/!?", rune(s[1])) && (s[1]|0x20 < 'a' || s[1]|0x20 > 'z') {
		return s[:1], s[1:]
	}
	end := strings.IndexByte(s, '>')
	if end < 0 {
		return "<!>", ""
	}
	return s[:end+1], s[end+1:]
}

// tagName returns the name of a tag in lower case, with the slash of an end
// tag; "!" for comments and "" for what is no tag.
func tagName(tag string) string {
	if len(tag) < 3 {
		return ""
	}
	name := strings.ToLower(strings.Trim(tag, "<>"))
	if i := strings.IndexAny(name, " \t\n"); i >= 0 {
		name = name[:i]
	}
	if name == "/" || name == "" {
		return "!"
	}
	return strings.TrimSuffix(name, "/")
}

// skipElement returns what follows the end tag of name.
func skipElement(s, name string) string {
	_, rest := takeElement(s, name)
	return rest
}

func takeElement(s, name string) (content, rest string) {
	i := indexFold(s, "</"+name)
	if i < 0 {
		return "", ""
	}
	_, after := cutTag(s[i:])
	return s[:i], after
}

// indexFold finds an ASCII string whatever its case.
func indexFold(s, find string) int {
	for i := 0; i+len(find) <= len(s); i++ {
		if strings.EqualFold(s[i:i+len(find)], find) {
			return i
		}
	}
	return -1
}

func isBlock(name string) bool {
	switch name {
	case "p", "div", "li", "ul", "ol", "br", "tr", "table", "section", "article", "header", "footer", "main", "blockquote", "dt", "dd", "dl", "pre", "hr", "td", "th", "body", "head", "html", "summary", "details":
		return true
	}
	return false
}
