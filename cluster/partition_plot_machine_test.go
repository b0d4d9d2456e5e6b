package cluster_test

import (
	"fmt"
	"strings"
)

// The measures of the plot, in its own units.
const (
	plotLeft  = 170 // where the bars begin
	plotWidth = 470 // of the longest that is drawn
	plotTime  = 80  // seconds that are so wide
	plotRow   = 42
	plotTop   = 46
)

// plot is an SVG with a pair of bars for each trouble that is to be noticed: how long that
// took with beaminit and with OTP alone, and what came after it.
func plot(with, without []outcome) []byte {
	var b strings.Builder
	y := plotTop
	for i := range troubles {
		tr := &troubles[i]
		if len(tr.sees) == 0 {
			continue
		}
		fmt.Fprintf(&b, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>\n", plotLeft-8, y+18, tr.name)
		bar(&b, y, "#1668a8", with[i])
		bar(&b, y+14, "#9a9a9a", without[i])
		y += plotRow
	}
	head := fmt.Sprintf("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 860 %d\" font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n", y+26)
	head += "<text x=\"8\" y=\"18\" font-size=\"14\">Until every survivor's VM knows: <tspan fill=\"#1668a8\">beaminit</tspan>, <tspan fill=\"#777\">OTP alone</tspan>; and until there is one mesh again, once the trouble is over</text>\n"
	for s := 0; s <= plotTime; s += 10 {
		x := plotLeft + s*plotWidth/plotTime
		head += fmt.Sprintf("<path d=\"M%d %dV%d\" stroke=\"#ddd\"/><text x=\"%d\" y=\"%d\" text-anchor=\"middle\" fill=\"#555\">%d s</text>\n", x, plotTop-12, y-6, x, y+10, s)
	}
	return []byte(head + b.String() + "</svg>\n")
}

// bar draws the time until it was noticed, and says the rest.
func bar(b *strings.Builder, y int, colour string, r outcome) {
	width := plotWidth
	if r.noticed != never {
		width = min(max(int(r.noticed.Seconds()*plotWidth/plotTime), 2), plotWidth)
	}
	fmt.Fprintf(b, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"12\" fill=\"%s\"/>", plotLeft, y+1, width, colour)
	fmt.Fprintf(b, "<text x=\"%d\" y=\"%d\" fill=\"#333\">%s; whole again: %s</text>\n", plotLeft+width+6, y+11, seconds(r.noticed), wholeText(r))
}
