%% A release that tells what it was started with.
-module(toy).
-behaviour(application).
-behaviour(supervisor).
-export([start/2, stop/1, init/1, watch/0]).

start(_Type, _Args) ->
    {ok, Word} = application:get_env(toy, word),
    io:format("toy node ~s~n", [node()]),
    io:format("toy word ~s~n", [Word]),
    io:format("toy cookie ~s~n", [erlang:get_cookie()]),
    io:format("toy peers ~p~n", [lists:sort(nodes())]),
    io:format("toy flag ~p~n", [init:get_argument(toyflag)]),
    io:format("toy extra ~p~n", [init:get_plain_arguments()]),
    io:format("toy ticktime ~p~n", [net_kernel:get_net_ticktime()]),
    io:format("toy mode ~p~n", [code:get_mode()]),
    io:format("toy threads ~p~n", [erlang:system_info(dirty_io_schedulers)]),
    io:format("toy dir ~s~n", [element(2, file:get_cwd())]),
    io:format("toy lookup ~p~n", [inet_db:res_option(lookup)]),
    [io:format("toy env ~s~n", [E]) || E <- lists:sort(os:getenv())],
    io:format("toy ready~n"),
    supervisor:start_link({local, ?MODULE}, ?MODULE, []).

stop(_State) ->
    io:format("toy stopped in order~n").

init([]) ->
    {ok, {#{}, [#{id => watch, start => {?MODULE, watch, []}}]}}.

watch() ->
    {ok, spawn_link(fun() ->
        ok = net_kernel:monitor_nodes(true),
        watching()
    end)}.

watching() ->
    receive {Event, Node} -> io:format("toy ~s ~s~n", [Event, Node]) end,
    watching().
