package lex

// Nearest is the word of a list that is nearest to one; empty: none is near.
func Nearest(word string, list []string) string {
	best, least := "", min(2+len(word)/3, 1+len(word)/2)
	for _, w := range list {
		if d := Distance(word, w); d < least {
			best, least = w, d
		}
	}
	return best
}

// Distance is the number of bytes to insert, leave out, change or swap with their
// neighbour to make one word of another (optimal string alignment).
func Distance(a, b string) int {
	if len(a) > 128 || len(b) > 128 {
		return 1 << 10
	}
	var before, last, row [130]int
	for j := 0; j <= len(b); j++ {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
