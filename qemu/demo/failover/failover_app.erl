-module(failover_app).
-behaviour(application).
-export([start/2, start_phase/3, stop/1]).

start(_Type, _Args) ->
    failover_sup:start_link().

%% One call a line: the line leaves the VM in one piece.
start_phase(serve, Type, _Args) ->
    io:format("failover: ~s runs here: ~s~n", [node(), why(Type)]).

why(normal) -> "the first";
why({failover, Node}) -> ["after ", atom_to_list(Node)];
why({takeover, Node}) -> ["taken back from ", atom_to_list(Node)].

stop(_State) ->
    ok.
