package scenario

import (
	"encoding/xml"
	"fmt"
	"html"
	"io"
	"strings"
	"time"
)

// JUnit writes the report as CI servers read it: a test case for each step.
func (r *Report) JUnit(w io.Writer) error {
	type failure struct {
		Message string `xml:"message,attr"`
	}
	type testcase struct {
		Name    string   `xml:"name,attr"`
		Class   string   `xml:"classname,attr"`
		Seconds string   `xml:"time,attr"`
		Failure *failure `xml:"failure,omitempty"`
	}
	type suite struct {
		XMLName  xml.Name   `xml:"testsuite"`
		Name     string     `xml:"name,attr"`
		Tests    int        `xml:"tests,attr"`
		Failures int        `xml:"failures,attr"`
		Seconds  string     `xml:"time,attr"`
		Begun    string     `xml:"timestamp,attr"`
		Cases    []testcase `xml:"testcase"`
	}
	s := suite{Name: r.Name, Tests: len(r.Results), Seconds: seconds(r.Took), Begun: r.Begun.UTC().Format(time.RFC3339)}
	for _, step := range r.Results {
		c := testcase{Name: fmt.Sprintf("%d: %s", step.Line, step.Text), Class: r.Name, Seconds: seconds(step.Took)}
		if step.Err != nil {
			s.Failures++
			c.Failure = &failure{step.Err.Error()}
		}
		s.Cases = append(s.Cases, c)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	return enc.Encode(s)
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }

// The picture: a line for each node, in points.
const (
	svgWidth  = 1000
	svgLeft   = 110 // where the time begins
	svgRow    = 34
	svgTop    = 40
	svgStep   = 16 // a line of the steps below
	svgMargin = 20
)

// colours of the states; any other is that of a node that says nothing.
var colours = map[string]string{
	"up": "#2e9e5b", "degraded": "#d98a00", "starting": "#3b82c4", "booting": "#3b82c4", "stopping": "#d98a00",
	"hung": "#c9372c", "down": "#c9372c", "rescue": "#c9372c", "dead": "#7a1f18", "off": "#888888",
}

// SVG draws a time line for each node, and below them the steps.
func (r *Report) SVG(w io.Writer) error {
	steps := len(r.Results)
	height := svgTop + len(r.Nodes)*svgRow + steps*svgStep + 2*svgMargin
	x := func(at time.Duration) float64 {
		return svgLeft + float64(svgWidth-svgLeft-svgMargin)*at.Seconds()/max(r.Took.Seconds(), 0.001)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n",
		svgWidth, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#ffffff"/>`+"\n", svgWidth, height)
	fmt.Fprintf(&b, `<text x="%d" y="22" font-size="15" font-weight="bold">%s</text>`+"\n", svgMargin, html.EscapeString(r.Name))
	for row, node := range r.Nodes {
		y := svgTop + row*svgRow
		fmt.Fprintf(&b, `<text x="%d" y="%d">%s</text>`+"\n", svgMargin, y+16, html.EscapeString(node))
		r.bars(&b, node, y, x)
	}
	y := svgTop + len(r.Nodes)*svgRow + svgMargin
	for _, s := range r.Results {
		colour, what := "#333333", s.Text
		if s.Err != nil {
			colour, what = "#c9372c", s.Text+": "+s.Err.Error()
		}
		fmt.Fprintf(&b, `<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="#bbbbbb" stroke-dasharray="2,3"/>`+"\n", x(s.At), svgTop, x(s.At), y-4)
		fmt.Fprintf(&b, `<text x="%d" y="%d" fill="%s" font-size="11">%.1f s</text><text x="%d" y="%d" fill="%s" font-size="11">%s</text>`+"\n",
			svgMargin, y, colour, s.At.Seconds(), svgLeft, y, colour, html.EscapeString(what))
		y += svgStep
	}
	b.WriteString("</svg>\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// bars draws what one node was and when.
func (r *Report) bars(b *strings.Builder, node string, y int, x func(time.Duration) float64) {
	for i, c := range r.Changes {
		if c.Node != node {
			continue
		}
		until := r.Took
		for _, later := range r.Changes[i+1:] {
			if later.Node == node {
				until = later.At
				break
			}
		}
		state, _, _ := strings.Cut(c.State, " ")
		colour := colours[state]
		if colour == "" {
			colour = "#888888"
		}
		fmt.Fprintf(b, `<rect x="%.1f" y="%d" width="%.1f" height="22" fill="%s"><title>%s, %.1f s</title></rect>`+"\n",
			x(c.At), y, max(x(until)-x(c.At), 1), colour, html.EscapeString(c.State), (until - c.At).Seconds())
		if x(until)-x(c.At) > float64(7*len(c.State)) {
			fmt.Fprintf(b, `<text x="%.1f" y="%d" fill="#ffffff">%s</text>`+"\n", x(c.At)+4, y+15, html.EscapeString(c.State))
		}
	}
}
