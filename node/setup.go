package node

import (
	"errors"
	"strings"

	"github.com/beaminit/beaminit/cluster/discovery"
	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/config/cmdline"
	"github.com/beaminit/beaminit/internal/files"
	"github.com/beaminit/beaminit/netcfg"
	"github.com/beaminit/beaminit/release"

	"golang.org/x/sys/unix"
)

// Image is where the files of a node are: on the node itself, or on the machine where its
// image is looked at.
type Image struct {
	Root    release.Root           // "/" is the node itself
	Program string                 // this program, as it has it
	Later   []string               // directories where a file system will be that is not there yet
	kept    map[string][]byte      // files that are not opened any more: who does may wait
	Free    func(dir string) int64 // bytes of disk that are free; negative: it cannot be written to
}

// Running is the node that this program runs on.
func Running() Image { return Image{Root: "/", Program: "/proc/self/exe", Free: freeOnDisk} }

// Planned is an image that lies in the directory root, or the running node where that is
// its root: what only a boot mounts counts as if it was there.
func Planned(root string, c *config.Config) Image {
	im := Image{Root: release.Root(root), Program: "/proc/self/exe", Free: func(string) int64 { return 1 << 62 }}
	if root != "/" {
		im.Program = c.Root.Program
		for _, m := range c.Mounts {
			im.Later = append(im.Later, strings.TrimSuffix(m.Target, "/")+"/")
		}
	}
	return im
}

// freeOnDisk is what is free on the file system of a directory (statfs(2)).
func freeOnDisk(dir string) int64 {
	var st unix.Statfs_t
	if unix.Statfs(dir, &st) != nil || st.Flags&unix.ST_RDONLY != 0 {
		return -1
	}
	return int64(st.Bavail) * int64(st.Bsize)
}

// Read reads a file of the image.
func (im *Image) Read(path string) ([]byte, error) {
	if text, is := im.kept[path]; is {
		return text, nil
	}
	return files.ReadFile(im.path(path))
}

// keep has Read give that text for a file from now on, if there is none kept yet.
func (im *Image) keep(path string, text []byte) {
	if _, is := im.kept[path]; is {
		return
	}
	if im.kept == nil {
		im.kept = map[string][]byte{}
	}
	im.kept[path] = text
}

// List is the names in a directory of the image; none where there is none.
func (im *Image) List(dir string) []string {
	names, _ := files.Names(im.path(dir), 256)
	return names
}

// path is that of a file of the image, which is named by an absolute path.
func (im *Image) path(file string) string {
	return strings.TrimSuffix(string(im.Root), "/") + file
}

// MountedLater says that a file lies where the node will have a file system: it cannot be
// seen here, and its absence is no problem.
func (im *Image) MountedLater(file string) bool {
	for _, dir := range im.Later {
		if strings.HasPrefix(file, dir) {
			return true
		}
	}
	return false
}

// Setup is what a configuration and the files of an image come to: the same for a boot, a
// plan and a tool. Its methods compute and change nothing.
type Setup struct {
	Image      Image
	Container  string // what runs this node as a container; empty: the machine is its own
	Config     *config.Config
	Net        netcfg.Plan
	network    network // what its child told
	Found      discovery.Table
	StateDir   string // of what outlives a reboot, once it is mounted; empty: none
	Boot       uint32 // the number of this boot
	TTY        bool   // the release has a terminal
	Release    *release.Release
	Failed     error         // why there is no release to start
	User       *release.User // of the release; nil: root
	Unprobed   bool          // nobody can ask the release whether it answers
	Uncuttable bool          // the kernel cannot end a connection from outside (SOCK_DESTROY)
	Unnamed    bool          // its node has no name when it starts
}

// problem is what is wrong with the value of a key: what, what would be right, and what is used instead.
func (n *Setup) problem(key, what, want, instead string) error {
	return errors.New(n.Config.Problem(key, what, want, instead).String())
}

// LoadSetup is that of an image in the directory root, as far as the configuration says;
// root "/" is the node that this program runs on.
func LoadSetup(root, line string) *Setup {
	s := &Setup{Image: Image{Root: release.Root(root)}}
	s.Config = config.Sources{Cmdline: line, Args: cmdline.InitArgs(line), Read: s.Image.Read, List: s.Image.List}.Load()
	s.Image = Planned(root, s.Config)
	s.Net = netcfg.Make(s.Config.Node.Hostname, s.Config.Network)
	s.TTY = s.Config.Console.TTY != ""
	return s
}
