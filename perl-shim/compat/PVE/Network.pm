package PVE::Network;

use v5.36;

use IO::Socket::IP;
use Socket qw(NI_NUMERICHOST NIx_NOSERV SOCK_STREAM getaddrinfo getnameinfo);

sub tcp_ping {
    my ($host, $port, $timeout) = @_;

    my $socket = IO::Socket::IP->new(
        PeerHost => $host,
        PeerPort => $port,
        Timeout => $timeout // 3,
        Type => SOCK_STREAM,
    );
    return 0 if !$socket;
    close($socket);
    return 1;
}

sub get_ip_from_hostname {
    my ($hostname, $noerr) = @_;

    my ($err, @found) = getaddrinfo($hostname, '', { socktype => SOCK_STREAM });
    if ($err) {
        return if $noerr;
        die
"hostname lookup '$hostname' failed - failed to get address info for: $hostname: $err\n";
    }
    for my $address (@found) {
        my ($failed, $ip) = getnameinfo($address->{addr}, NI_NUMERICHOST, NIx_NOSERV);
        next if $failed || !defined($ip) || $ip eq '::1' || $ip =~ m/\A127\./;
        return wantarray ? ($ip, $address->{family}) : $ip;
    }
    return if $noerr;
    die "address lookup for '$hostname' did not find any IP address\n";
}

1;

__END__

=head1 NAME

PVE::Network - reaching other machines

=head1 SYNOPSIS

    PVE::Network::tcp_ping($host, 443, 2) or die "'$host' does not answer\n";

=head1 DESCRIPTION

Part of Tenon's compat layer. Of PVE's module only these functions are offered.

=head1 FUNCTIONS

=head2 tcp_ping

    my $answers = PVE::Network::tcp_ping($host, $port, $seconds);

Whether a connection can be opened in this many seconds, by default 3. Never dies.

=head2 get_ip_from_hostname

    my $ip = PVE::Network::get_ip_from_hostname($hostname, $noerr);
    my ($ip, $family) = PVE::Network::get_ip_from_hostname($hostname);

The first address that is not local to this machine. Dies if there is none, or returns nothing if C<$noerr> is true.

=cut
