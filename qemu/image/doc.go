// Package image is the room where the lab's disks are made: the read-only
// squashfs that is the same on all nodes, the initramfs that finds it, and the
// small ext4 of each node that holds the cookie. Nothing in it needs root.
//
// What was made is kept, with a digest of everything it was made from beside it
// (FILE.made), and made again only where that digest changes.
package image
