package fstab

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestCheckOption(t *testing.T) {
	for _, tt := range []struct{ fs, option, want string }{
		{"ext4", "noatime", ""}, {"ext4", "errors=remount-ro", ""}, {"ext4", "commit=60", ""}, {"ext4", "x-systemd.growfs", ""},
		{"ext4", "noatim", `"noatim" is no option of ext4; did you mean noatime?; want `},
		{"ext4", "errors", `"errors" has no value; want errors=VALUE`},
		{"ext4", "noatime=1", `"noatime=1" has a value; want noatime alone`},
		{"ext4", "compress=zstd", `"compress=zstd" is no option of ext4; want `},
		{"ext4", "uid=1000", `"uid=1000" is no option of ext4, where each file has an owner and a mode of its own; want none, and a chown`}, {"f2fs", "umask=022", `no option of f2fs, where each file`},
		{"btrfs", "compress=zstd", ""}, {"btrfs", "compress", ""}, {"btrfs", "subvol=@", ""},
		{"f2fs", "background_gc=on", ""}, {"f2fs", "compres_algorithm=lz4", `did you mean compress_algorithm=?`},
		{"vfat", "umask=0022", ""}, {"vfat", "umsk=0022", `did you mean umask=?`}, {"vfat", "utf8", ""},
		{"xfs", "noquota", ""}, {"tmpfs", "size=10%", ""}, {"tmpfs", "sise=10%", `did you mean size=?`},
		{"overlay", "lowerdir=/a", ""}, {"ubifs", "compr=zstd", ""}, {"squashfs", "errors=panic", ""},
		{"9p", "trans=virtio", ""}, {"nfs", "nolock", ""}, {"nfs", "vers=4.2", ""}, {"nfs4", "nolok", `did you mean nolock?`},
		{"", "nosuid", ""}, {"", "size=1", `"size=1" is no option of a bind mount`},
		{"jffs2", "anything", ""},
	} {
		f, ok := CheckOption(tt.fs, tt.option)
		if got := f.What + "; want " + f.Want; ok != (tt.want == "") || ok != (f.What == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%s of %s: got %q, want %q", tt.option, tt.fs, got, tt.want)
		}
	}
}

// The kernel that runs this knows each word of the file systems that it has, but for
// those that older or newer ones have, or that depend on how it was built.
func TestKernelKnowsOptions(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("fsopen(2) is root's")
	}
	others := map[string]string{
		"ext4":     "noacl nouser_xattr oldalloc orlov journal_path mblk_io_submit nomblk_io_submit check nocheck reservation noreservation xip uid16 no_mbcache sb quota",
		"btrfs":    "inode_cache noinode_cache recovery nologreplay usebackuproot fragment ref_verify subvolrootid alloc_start check_int check_int_data check_int_print_mask logreplay nocompress norecovery acl",
		"xfs":      "barrier nobarrier max_open_zones lifetime nolifetime max_atomic_write rtdev logdev",
		"tmpfs":    "quota usrquota grpquota usrquota_block_hardlimit usrquota_inode_hardlimit grpquota_block_hardlimit grpquota_inode_hardlimit casefold strict_encoding acl noacl",
		"overlay":  "override_creds nooverride_creds uuid",
		"squashfs": "threads",
		"erofs":    "fsid domain_id directio fsoffset inode_share",
	}
	for _, w := range fileSystemWords {
		fs := strings.Fields(w.types)[0]
		unknown := kernelUnknown(t, fs, wordsOf(w.words, nil))
		for _, name := range unknown {
			if !slices.Contains(strings.Fields(others[fs]), name) {
				t.Errorf("%s: this kernel has no option %s", fs, name)
			}
		}
	}
}

// kernelUnknown gives the words that the kernel does not know at all. A value that it does
// not like is another error than a name that it does not know.
func kernelUnknown(t *testing.T, fs string, words []string) (unknown []string) {
	t.Helper()
	for _, word := range words {
		fd, err := unix.Fsopen(fs, unix.FSOPEN_CLOEXEC)
		if err != nil {
			t.Logf("%s: %v: not asked", fs, err)
			return nil
		}
		name, valued := strings.CutSuffix(word, "=")
		if valued {
			err = unix.FsconfigSetString(fd, name, "1")
		} else {
			err = unix.FsconfigSetFlag(fd, name)
		}
		if err != nil && !errors.Is(err, unix.EINVAL) {
			err = nil
		}
		var log [512]byte
		for err != nil {
			n, readErr := unix.Read(fd, log[:])
			if readErr != nil {
				break
			}
			if strings.Contains(string(log[:n]), "Unknown parameter") && !slices.Contains(unknown, name) {
				unknown = append(unknown, name)
			}
		}
		unix.Close(fd)
	}
	return unknown
}
