// Command bench prints what inits cost, beside each other and as ratios of the
// first: bench INIT... (paths of binaries; see package bench).
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/beaminit/beaminit/qemu/bench"
	"github.com/beaminit/beaminit/qemu/image"
)

func main() {
	runs := flag.Int("runs", 3, "boots of each init; the smallest count is printed")
	kernel := flag.String("kernel", "", "kernel image (default: Debian's cloud kernel)")
	flag.Parse()
	if err := run(*runs, *kernel, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(runs int, kernel string, inits []string) error {
	k, err := image.FindKernel(kernel)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "beaminit-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	tools, bare, err := bench.Build(dir)
	if err != nil {
		return err
	}
	fmt.Printf("%-24s %14s %7s %10s %10s %10s\n", "init", "instructions", "ratio", "size", "RSS", "PSS")
	limit("wanted", bench.Budget)
	limit("the tests hold it to", bench.Today)
	base := 0.0
	for _, path := range append([]string{bare}, inits...) {
		best, err := bench.Best(context.Background(), runs, path, tools, k)
		if err != nil {
			return err
		}
		if base == 0 {
			base = float64(best.Instructions)
		}
		fmt.Printf("%-24s %12.2f M %7.2f %8d k %8d k %8d k\n", filepath.Base(path), float64(best.Instructions)/1e6,
			float64(best.Instructions)/base, best.Size>>10, best.RSS>>10, best.PSS>>10)
	}
	return nil
}

// limit prints what beaminit may cost.
func limit(name string, r bench.Result) {
	fmt.Printf("%-24s %12.2f M %7s %8d k %10s %8d k\n",
		name, float64(r.Instructions)/1e6, "", r.Size>>10, "", r.PSS>>10)
}
