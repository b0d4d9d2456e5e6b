%% A module for -epmd_module: the port of a node is in the name of its host, n1 has
%% 17001. That of Caravan has it in the name of the node.
-module(bird_epmd).
-export([start_link/0, register_node/2, register_node/3, listen_port_please/2,
         port_please/2, port_please/3, address_please/3, names/1]).

start_link() -> ignore.

register_node(Name, Port) -> register_node(Name, Port, inet).

register_node(_, _, _) -> {ok, rand:uniform(3)}.

listen_port_please(_, Host) -> {ok, port(Host)}.

port_please(Name, Host) -> port_please(Name, Host, infinity).

port_please(_, Host, _) -> {port, port(Host), 5}.

address_please(_, Host, Family) -> inet:getaddr(Host, Family).

names(_) -> {error, address}.

port(Host) when is_tuple(Host) ->
    {ok, {hostent, Name, _, _, _, _}} = inet:gethostbyaddr(Host),
    port(Name);
port(Host) ->
    [$n | Number] = hd(string:lexemes(Host, ".")),
    17000 + list_to_integer(Number).
