-module(eclero_app).
-behaviour(application).
-export([start/2, stop/1]).

start(_Type, _Args) ->
    logger:add_primary_filter(told_already, {fun told_already/2, []}),
    eclero_sup:start_link().

stop(_State) ->
    logger:remove_primary_filter(told_already).

%% What net_kernel and global log about a node that went, eclero_watch says in one line.
told_already(#{msg := {report, #{format := "** Node ~p not responding" ++ _}}}, _) -> stop;
told_already(#{msg := {"'global' at node" ++ _, _}}, _) -> stop;
told_already(_, _) -> ignore.
