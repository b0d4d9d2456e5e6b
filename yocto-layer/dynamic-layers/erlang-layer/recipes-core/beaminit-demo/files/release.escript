#!/usr/bin/env escript
%% release.escript SRC ERLANG OUT: a release of the application in SRC with the ERTS,
%% kernel and stdlib of the Erlang in ERLANG, which may be one for another machine.
%% systools:make_tar would put in those of the Erlang that runs it. Of the programs of
%% ERTS only those that a node without a shell can use.
-mode(compile).

main([Src, Erlang, Out]) ->
    {ok, [{application, eclero, Keys}]} = file:consult(filename:join(Src, "eclero.app.src")),
    Vsn = proplists:get_value(vsn, Keys),
    Ebin = filename:join([Out, "lib", "eclero-" ++ Vsn, "ebin"]),
    ok = filelib:ensure_path(Ebin),
    [{ok, _} = compile:file(F, [{outdir, Ebin}, report, warnings_as_errors, deterministic])
     || F <- filelib:wildcard(filename:join(Src, "*.erl"))],
    {ok, _} = file:copy(filename:join(Src, "eclero.app.src"), filename:join(Ebin, "eclero.app")),
    Libs = [{App, Dir, AppVsn} || App <- [kernel, stdlib],
                                  {Dir, AppVsn} <- [only(filename:join([Erlang, "lib", App]))]],
    {Erts, ErtsVsn} = only(filename:join(Erlang, "erts")),
    [copy(filename:join(Dir, "ebin"), filelib:wildcard("*", filename:join(Dir, "ebin")),
          filename:join([Out, "lib", filename:basename(Dir), "ebin"]))
     || {_, Dir, _} <- Libs],
    copy(filename:join(Erts, "bin"), ["beam.smp", "erl_child_setup", "erlexec", "heart", "inet_gethost"],
         filename:join([Out, filename:basename(Erts), "bin"])),
    Rel = filename:join([Out, "releases", Vsn]),
    ok = filelib:ensure_path(Rel),
    Name = filename:join(Rel, "eclero"),
    ok = file:write_file(Name ++ ".rel",
        io_lib:format("~tp.~n", [{release, {"eclero", Vsn}, {erts, ErtsVsn},
                                  [{App, V} || {App, _, V} <- Libs] ++ [{eclero, Vsn}]}])),
    Path = [filename:join(Dir, "ebin") || {_, Dir, _} <- Libs] ++ [Ebin],
    {ok, _, _} = systools:make_script(Name, [{path, Path}, {variables, [{"ROOT", Out}]}, silent, no_warn_sasl]),
    {ok, _} = file:copy(filename:join(Src, "sys.config"), filename:join(Rel, "sys.config")),
    ok = file:write_file(filename:join([Out, "releases", "start_erl.data"]), [ErtsVsn, " ", Vsn, "\n"]).

%% The one directory PREFIX-VERSION.
only(Prefix) ->
    [Dir] = filelib:wildcard(Prefix ++ "-*"),
    {Dir, lists:nthtail(length(Prefix) + 1, Dir)}.

copy(From, Names, To) ->
    ok = filelib:ensure_path(To),
    [begin
         {ok, Info} = file:read_file_info(filename:join(From, Name)),
         {ok, _} = file:copy(filename:join(From, Name), filename:join(To, Name)),
         ok = file:write_file_info(filename:join(To, Name), Info)
     end || Name <- Names].
