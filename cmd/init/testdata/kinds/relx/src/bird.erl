%% Says on its output how it was started, and stays.
-module(bird).
-behaviour(application).
-export([start/2, stop/1, init/1]).

start(_, []) ->
    {ok, Word} = application:get_env(bird, word),
    io:format("bird ~s word ~p mode ~s~n", [node(), Word, mode()]),
    supervisor:start_link(?MODULE, []).

stop(_) -> ok.

mode() -> {ok, [[Mode|_]|_]} = init:get_argument(mode), Mode.

init([]) -> {ok, {#{}, []}}.
