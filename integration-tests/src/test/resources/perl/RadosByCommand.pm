package RadosByCommand;

# PVE::RADOS where librados's bindings for Perl are not installed: the commands of monitors that PVE's storage plugin
# sends, by the program ceph.

use v5.36;

use JSON::PP;

$INC{'PVE/RADOS.pm'} = __FILE__;

package PVE::RADOS; ## no critic (ProhibitMultiplePackages)

sub new ($class, %options) {
    return bless {%options}, $class;
}

sub mon_command ($self, $command) {
    my @options = ('-c', $self->{ceph_conf} // '/dev/null', '-n', "client.$self->{userid}");
    push @options, '-m', $self->{mon_host} if $self->{mon_host};
    push @options, '--auth_supported', $self->{auth_supported};
    push @options, '--keyring', $self->{keyring} if $self->{keyring};
    open(my $answer, '-|', '/usr/bin/ceph', @options, $command->{prefix}, '--format', 'json')
        or die "cannot run ceph: $!\n";
    my $text = do { local $/ = undef; <$answer> };
    close($answer) or die "ceph $command->{prefix} failed\n";
    return JSON::PP::decode_json($text);
}

1;
