// Package der reads DER (X.690), as far as certificates of nodes are looked at.
// encoding/asn1 is not used, because it brings math/big with it, together 164 KB.
package der

// Element is one of DER: its tag (8.1.2), and what it holds.
type Element struct {
	Tag byte
	In  []byte
}

// Inside is what the first of some elements holds.
func Inside(der []byte) []byte {
	if list := Elements(der); len(list) > 0 {
		return list[0].In
	}
	return nil
}

// Elements are those that lie one behind the other, as far as they are whole.
func Elements(der []byte) (list []Element) {
	for len(der) >= 2 {
		tag, size, rest := der[0], int(der[1]), der[2:]
		if more := size - 0x80; more > 0 && more <= 3 && more <= len(rest) { // the length of the length
			size = 0
			for _, b := range rest[:more] {
				size = size<<8 | int(b)
			}
			rest = rest[more:]
		}
		if size > len(rest) {
			break
		}
		list = append(list, Element{tag, rest[:size]})
		der = rest[size:]
	}
	return list
}
