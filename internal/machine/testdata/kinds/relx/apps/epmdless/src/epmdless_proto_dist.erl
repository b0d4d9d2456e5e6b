%% -proto_dist epmdless_proto: the usual TCP under another name.
-module(epmdless_proto_dist).
-export([listen/1, listen/2, accept/1, accept_connection/5, setup/5, close/1, select/1,
         address/0, is_node_name/1, setopts/2, getopts/2]).

listen(Name) -> inet_tcp_dist:listen(Name).
listen(Name, Host) -> inet_tcp_dist:listen(Name, Host).
accept(Listen) -> inet_tcp_dist:accept(Listen).
accept_connection(Pid, Socket, My, Allowed, Time) -> inet_tcp_dist:accept_connection(Pid, Socket, My, Allowed, Time).
setup(Node, Type, My, Names, Time) -> inet_tcp_dist:setup(Node, Type, My, Names, Time).
close(Listen) -> inet_tcp_dist:close(Listen).
select(Node) -> inet_tcp_dist:select(Node).
address() -> inet_tcp_dist:address().
is_node_name(Node) -> inet_tcp_dist:is_node_name(Node).
setopts(Socket, Options) -> inet_tcp_dist:setopts(Socket, Options).
getopts(Socket, Options) -> inet_tcp_dist:getopts(Socket, Options).
