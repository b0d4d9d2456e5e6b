#!/usr/bin/env escript
%% build.escript SRC OUT: compiles the application in SRC and unpacks a release of
%% it, with its own ERTS, in OUT. Only what an Erlang installation has is used. Both are
%% named as the directory is; a vm.args in it is the release's.
-mode(compile).

main([Src, Out]) ->
    try build(Src, Out)
    catch throw:{Where, Why} ->
        io:format(standard_error, "~ts: ~tp~n", [Where, Why]),
        halt(1)
    end.

build(Src, Out) ->
    Name = filename:basename(Src),
    App = list_to_atom(Name),
    {ok, [{application, App, Keys}]} = file:consult(filename:join(Src, Name ++ ".app.src")),
    Vsn = proplists:get_value(vsn, Keys),
    Work = Out ++ ".work",
    Ebin = filename:join([Work, "lib", Name ++ "-" ++ Vsn, "ebin"]),
    ok = filelib:ensure_path(Ebin),
    Opts = [{outdir, Ebin}, return_errors, warnings_as_errors, report, deterministic],
    [compile(F, Opts) || F <- filelib:wildcard(filename:join(Src, "*.erl"))],
    {ok, _} = file:copy(filename:join(Src, Name ++ ".app.src"), filename:join(Ebin, Name ++ ".app")),
    {ok, _} = file:copy(filename:join(Src, "sys.config"), filename:join(Work, "sys.config")),
    Rel = filename:join(Work, Name),
    Apps = [{kernel, vsn(kernel)}, {stdlib, vsn(stdlib)}, {App, Vsn}],
    Spec = {release, {Name, Vsn}, {erts, erlang:system_info(version)}, Apps},
    ok = file:write_file(Rel ++ ".rel", io_lib:format("~tp.~n", [Spec])),
    Path = {path, [Ebin]},
    said(make_script, systools:make_script(Rel, [Path, silent, no_warn_sasl])),
    said(make_tar, systools:make_tar(Rel, [Path, silent, no_warn_sasl, {erts, code:root_dir()}])),
    ok = erl_tar:extract(Rel ++ ".tar.gz", [{cwd, Out}, compressed]),
    Args = filename:join(Src, "vm.args"),
    [{ok, _} = file:copy(Args, filename:join([Out, "releases", Vsn, "vm.args"])) || filelib:is_file(Args)],
    {ok, _} = beam_lib:strip_files(filelib:wildcard(filename:join(Out, "lib/*/ebin/*.beam"))),
    ok = file:del_dir_r(Work).

compile(File, Opts) ->
    case compile:file(File, Opts) of
        {ok, _} -> ok;
        Error -> throw({File, Error})
    end.

said(_, ok) -> ok;
said(_, {ok, _, _}) -> ok;
said(What, Error) -> throw({What, Error}).

vsn(App) ->
    _ = application:load(App),
    {ok, Vsn} = application:get_key(App, vsn),
    Vsn.
