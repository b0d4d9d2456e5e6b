package release

import (
	"strconv"
	"strings"
)

// Call is a function call as erl_eval:eval_str/1 takes it: an expression that gives
// {0,Result} or {1,Reason}, both as text of Erlang in UTF-8. Everything in it is ASCII,
// because who carries it may take bytes for characters. args is an Erlang list. A module
// whose name begins with a capital letter is one of Elixir.
func Call(module, function, args string) string {
	if module != "" && module[0] >= 'A' && module[0] <= 'Z' && !strings.HasPrefix(module, "Elixir.") {
		module = "Elixir." + module
	}
	return "(fun({V,T}) -> {V,unicode:characters_to_binary(io_lib:format(\"~0tp~n\",[T]))} end)" +
		"(try erlang:apply(" + ascii(atom(module)) + "," + ascii(atom(function)) + "," + ascii(args) + ") of " +
		"{badrpc,R} -> {1,R}; R -> {0,R} " +
		"catch error:R:S -> {1,{R,lists:takewhile(fun(F) -> element(1,F) =/= erl_eval end,S)}}; C:R -> {1,{C,R}} end)"
}

func atom(s string) string { return string(quoted(nil, s, '\'')) }

// ascii writes what is no ASCII the way that Erlang's strings and quoted atoms have it.
func ascii(s string) string {
	var b []byte
	for _, c := range s {
		if c < 0x80 {
			b = append(b, byte(c))
			continue
		}
		b = append(strconv.AppendInt(append(b, `\x{`...), int64(c), 16), '}')
	}
	return string(b)
}

// FindErlCall gives the path of erl_call (erl_call(1)) that goes with the release; empty: there
// is none that could be used. It is one of OTP 24 or later, which can carry an output of
// any kind, and speaks no TLS.
func (r *Release) FindErlCall(fsys FS, c *Command) string {
	if c.TLS() || compareVersions(r.ERTS, "12") < 0 {
		return ""
	}
	places := []string{r.ERTSDir}
	for _, lib := range [...]string{r.Root + "/lib", r.SystemLib} {
		names, _ := fsys.List(lib)
		for _, name := range names {
			if strings.HasPrefix(name, "erl_interface-") {
				places = append(places, lib+"/"+name)
			}
		}
	}
	for _, place := range places {
		path := place + "/bin/erl_call"
		if mode, err := fsys.Mode(path); err == nil && mode&0o111 != 0 {
			return path
		}
	}
	return ""
}

// ErlCallInput is what erl_call -e is given to read: it prints the text of the result after
// whatever the function printed, and gives {V,N}, N the size of that text in bytes.
func ErlCallInput(call string) string {
	return "(fun({V,B}) -> io:put_chars(B), {V,byte_size(B)} end)(" + call + ").\n"
}

// ParseErlCall reads the output of erl_call: what the function printed, the text of the
// result, and whether that is the reason for which there is none. ok is false where the
// call was not made.
func ParseErlCall(out []byte) (printed, result []byte, failed, ok bool) {
	text := string(out)
	at := strings.LastIndex(text, "{ok, {")
	if at < 0 {
		return nil, nil, false, false
	}
	v, n, _ := strings.Cut(strings.TrimSuffix(strings.TrimSpace(text[at+6:]), "}}"), ", ")
	size, err := strconv.Atoi(n)
	if err != nil || size < 0 || size > at || v != "0" && v != "1" {
		return nil, nil, false, false
	}
	return out[:at-size], out[at-size : at], v == "1", true
}

// CallFlags gives the flags with which a RemoteShell makes the call, and ends: with 0 or 1 as
// the call did, 1 too where it took longer than so many seconds (0: no limit), and 2 where
// it could not be made. name is that of the tool that it speaks for.
func CallFlags(name, node, call string, limit int) (flags []string) {
	timeout := "infinity"
	if limit > 0 {
		timeout = strconv.Itoa(limit * 1000)
	}
	return []string{"-noinput", "-eval", "io:setopts([{encoding,unicode}]), io:setopts(standard_error,[{encoding,unicode}]), " +
		"N = " + atom(node) + ", E = fun(S,F,A) -> io:format(standard_error,\"" + name + ": \" ++ F,A), halt(S) end, " +
		"case net_kernel:connect_node(N) of true -> ok; _ -> E(2,\"~ts does not let us in\\n\",[N]) end, " +
		"case rpc:call(N,erl_eval,eval_str,[" + term(call+".\n") + "]," + timeout + ") of " +
		"{ok,{0,B}} -> io:put_chars(B), halt(0); " +
		"{ok,{1,B}} -> E(1,\"~ts\",[B]); " +
		"{error,T} -> E(2,\"~ts\\n\",[T]); " +
		"{badrpc,timeout} -> E(1,\"no result within ~p s; it may still come to one\\n\",[" + strconv.Itoa(limit) + "]); " +
		"{badrpc,R} -> E(1,\"~tp\\n\",[R]) end."}
}
