%% Says on its output how it was started, and stays.
-module(bird).
-behaviour(application).
-export([start/2, stop/1, init/1]).

start(_, []) ->
    {ok, Word} = application:get_env(bird, word),
    io:format("bird ~s word ~p mode ~s~n", [node(), Word, mode()]),
    begins(os:getenv("BIRD")),
    supervisor:start_link(?MODULE, []).

%% What the tests of readiness want of it.
begins("slow") -> timer:sleep(2000);
begins("dies") -> timer:sleep(1000), exit(broken);
begins("says so") -> spawn(fun() -> timer:sleep(3000), say("STATUS=at last\nREADY=1\n") end);
begins("rubbish") -> spawn(fun() -> [say(junk(rand:uniform(5000))) || _ <- lists:seq(1, 200)], say("READY=1") end);
begins(_) -> ok.

say(Text) ->
    {ok, S} = gen_udp:open(0, [local]),
    send(S, {local, os:getenv("NOTIFY_SOCKET")}, Text),
    gen_udp:close(S).

junk(N) -> << <<(rand:uniform(256) - 1)>> || _ <- lists:seq(1, N) >>.

%% A socket that is full gives an error here, where other programs wait.
send(S, To, Text) ->
    case gen_udp:send(S, To, 0, Text) of
        {error, eagain} -> timer:sleep(1), send(S, To, Text);
        _ -> ok
    end.

stop(_) -> ok.

mode() -> {ok, [[Mode|_]|_]} = init:get_argument(mode), Mode.

init([]) -> {ok, {#{}, []}}.
