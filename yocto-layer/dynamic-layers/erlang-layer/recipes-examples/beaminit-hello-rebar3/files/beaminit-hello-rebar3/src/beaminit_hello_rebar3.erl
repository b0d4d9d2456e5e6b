%% The least that an application is: a supervisor of nothing.
-module(beaminit_hello_rebar3).
-behaviour(application).
-behaviour(supervisor).
-export([start/2, stop/1, init/1]).

start(_Type, _Args) ->
    io:put_chars("hello from rebar3\n"),
    supervisor:start_link(?MODULE, []).

stop(_State) -> ok.

init([]) -> {ok, {#{}, []}}.
