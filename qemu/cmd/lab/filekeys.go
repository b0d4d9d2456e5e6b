package main

import (
	"errors"
	"flag"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/BurntSushi/toml"

	"github.com/beaminit/beaminit/qemu/watch/cli"
	"github.com/beaminit/beaminit/qemu/web"
)

// setFlag takes a key of the file for the flag of its name, unless that was given.
func setFlag(fs *flag.FlagSet, path, key string, meta toml.MetaData, value toml.Primitive, given bool) error {
	if known := fileFlags(); !slices.Contains(known, key) {
		return fmt.Errorf("there is no key %q; there are [[node]], [[lan]] and %s", key, strings.Join(known, ", "))
	}
	f := fs.Lookup(key)
	if f == nil { // lab image has not all of them
		return nil
	}
	var v any
	if err := meta.PrimitiveDecode(value, &v); err != nil {
		return plainly(err)
	}
	if !suits(f, v) {
		return fmt.Errorf("%s = %v: want %s", key, v, wanted(f))
	}
	if given {
		return nil
	}
	text := fmt.Sprint(v)
	if slices.Contains(paths, key) {
		text = beside(path, text)
	}
	if err := fs.Set(key, text); err != nil {
		return fmt.Errorf("%s = %v: want %s", key, v, wanted(f))
	}
	return nil
}

// suits tells whether a value of TOML is of the kind that a flag has.
func suits(f *flag.Flag, v any) (is bool) {
	switch f.Value.(type) {
	case *web.Flag:
		_, isPort := v.(int64)
		_, is = v.(bool)
		return is || isPort
	}
	switch f.Value.(flag.Getter).Get().(type) {
	case int:
		_, is = v.(int64)
	case bool:
		_, is = v.(bool)
	default: // a time is a text, too
		_, is = v.(string)
	}
	return is
}

// wanted is what the value of a key has to be, as TOML has it.
func wanted(f *flag.Flag) string {
	switch f.Value.(type) {
	case *web.Flag:
		return "true, or a port such as 8090"
	}
	if _, isTime := f.Value.(flag.Getter).Get().(time.Duration); isTime {
		return `a time such as "10s"`
	}
	if want := cli.Want(f); want != "a text" {
		return want
	}
	return `a text in quotes, such as "a b"`
}

// plainly is an error of the TOML reader with the names that a reader of the file has for things.
func plainly(err error) error {
	return errors.New(kinds.Replace(where.ReplaceAllString(err.Error(), "line $1: $2: ")))
}

var where = regexp.MustCompile(`^toml: line (\d+) \(last key "(.*?)"\): `)

var kinds = strings.NewReplacer(
	"incompatible types: TOML value has type int64", "it is a number",
	"incompatible types: TOML value has type string", "it is a text",
	"incompatible types: TOML value has type bool", "it is true or false",
	"incompatible types: TOML value has type float64", "it is a broken number",
	"incompatible types: TOML value has type map[string]any", "it is a single table, [like this]",
	"incompatible types: TOML value has type []any", "it is a list",
	"destination has type slice", "want tables, each [[like this]]",
	"destination has type string", "want a text in quotes",
	"destination has type integer", "want a whole number",
)

// keysOf are the keys of a table.
func keysOf(of reflect.Type) (list []string) {
	for _, f := range reflect.VisibleFields(of) {
		list = append(list, f.Tag.Get("toml"))
	}
	return list
}

// fileFlags are the flags that a file can have as keys: those of lab run but -dir.
func fileFlags() (list []string) {
	var e env
	fs := flag.NewFlagSet("lab run", flag.ContinueOnError)
	e.flags(fs, "run")
	fs.VisitAll(func(f *flag.Flag) {
		if f.Name != "dir" {
			list = append(list, f.Name)
		}
	})
	return list
}
