package logfmt

// Checksum is CRC-32 (IEEE 802.3) without a table. hash/crc32 makes its tables when
// a program starts and when it is first used: 90,000 instructions and three pages,
// for a line of 300 bytes now and then.
func Checksum(b []byte) uint32 {
	sum := ^uint32(0)
	for _, c := range b {
		sum ^= uint32(c)
		for range 8 {
			sum = sum>>1 ^ 0xedb88320&-(sum&1)
		}
	}
	return ^sum
}
