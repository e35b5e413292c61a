package Tenon::Sidecar;

use v5.36;

use IO::Handle ();
use POSIX qw(WNOHANG);

use Tenon::Api;
use Tenon::Descriptors;
use Tenon::Error;
use Tenon::Frame;
use Tenon::Session;
use Tenon::Sidecar::Member;
use Tenon::Sidecar::Orphan;
use Tenon::Sidecar::Plugin;

sub new ($class, %opt) {
    return bless { api => Tenon::Api->load, options => \%opt }, $class;
}

sub run ($self) {

    # Everything that the plugin starts ends with it, even processes that have lost their parent.
    setpgrp(0, 0);
    $| = 1;
    STDERR->autoflush(1);
    Tenon::Sidecar::Orphan::follow();
    my ($api, $options) = $self->@{qw(api options)};
    my $err;
    eval { $self->{plugin} = Tenon::Sidecar::Plugin->load($api, $options->%*); 1 } or $err = $@;

    my $facts = $self->_facts('sidecar');
    if (my $plugin = $self->{plugin}) {
        $facts->{plugin} = $plugin->facts;
        return Tenon::Sidecar::Member->new($api, $plugin)->serve($options->{socket}, $facts)
            if $options->{alone};
    } else {
        $facts->{rejected} = Tenon::Frame::printable("$err" =~ s/\s+\z//r);
    }

    # If a plugin lets the kernel reap its children, the end of members would be hidden.
    $SIG{CHLD} = 'DEFAULT';
    my $session = $self->{session} =
        Tenon::Session->connect($options->{socket}, $facts, sub { return $self->_answer(@_) });
    $Tenon::Descriptors::PATH = $session->peer->{descriptors};
    my $good = eval { $session->serve; 1 };
    return 0 if $good;
    warn $@;
    return 1;
}

sub _facts ($self, $role) {
    my %abilities = $self->{plugin} ? $self->{plugin}->abilities : ();
    return { %abilities, role => $role, pid => $$ + 0, level => $self->{api}->newest + 0 };
}

sub _answer ($self, $name, $params, $context) {
    return { pid => $self->_fork($params) } if $name eq 'fork';
    return _ending($params->{pid}) if $name eq 'ended';
    Tenon::Error->throw('UNKNOWN_METHOD', 'NOT_STARTED',
"$name: the process that has loaded the plugin makes no calls of it, but forks those that do"
    );
    return;
}

# A child that has ended keeps its number until it is asked for here.
sub _ending ($pid) {
    Tenon::Error->throw('BAD_PARAMETER', 'NOT_STARTED', 'ended: a process has a number')
        if ($pid // '') !~ m/\A[1-9]\d*\z/;
    my $reaped = waitpid($pid, WNOHANG);
    Tenon::Error->throw('NOT_FOUND', 'FAILED_CLEAN', "no child $pid has ended") if $reaped != $pid;
    return { signal => 0 + ($? & 127), status => 0 + ($? >> 8) };
}

sub _fork ($self, $params) {

    # Buffered output would be printed by both.
    IO::Handle::flush(*STDOUT);
    IO::Handle::flush(*STDERR);
    my $pid = fork()
        // Tenon::Error->throw('SIDECAR_FAILED', 'NOT_STARTED', "no process can be forked: $!");
    return 0 + $pid if $pid;
    my $status = eval { $self->_become_member($params) };
    warn $@ if !defined($status);
    exit($status // 1);
}

sub _become_member ($self, $params) {
    $self->{session}->drop;
    setpgrp(0, 0);

    # Else all members would draw the same numbers.
    srand();
    for my $stream ([stdin => 0, 'read'], [stdout => 1, 'write'], [stderr => 2, 'write']) {
        my ($name, $fd, $access) = $stream->@*;
        my $handle = Tenon::Descriptors::handle_of($params->{$name}, $access);
        POSIX::dup2(fileno($handle), $fd) // die "cannot take over $name: $!\n";
    }
    Tenon::Descriptors::end_call();
    Tenon::Sidecar::Orphan::follow();
    return Tenon::Sidecar::Member->new($self->{api}, $self->{plugin})
        ->serve($self->{options}->{socket},
        { $self->_facts('member')->%*, token => $params->{stdin} });
}

1;

__END__

=head1 NAME

Tenon::Sidecar - the process that loads one Perl plugin, and from which those are forked that make its calls

=head1 SYNOPSIS

    exit(Tenon::Sidecar->new(socket => $path, plugin => $file, pve_lib => $dir)->run);

=head1 DESCRIPTION

Started by Tenon's daemon. Loads one plugin file, unmodified, connects to the daemon's socket, tells what it loaded, and is
forked whenever the daemon asks, until the daemon closes the connection or is gone. As PVE's workers do, each child has its
own copy of the plugin: it is a L<Tenon::Sidecar::Member>, and makes one call at a time. What the plugin calls of PVE comes
from C<pve_lib>, else from an installed PVE, else from the compat layer.

=head1 METHODS

=head2 new

    my $sidecar = Tenon::Sidecar->new(%opt);

C<socket> and C<plugin> are paths; C<pve_lib> is a directory with PVE's own Perl libraries, undef for none. With
C<accept_old> a plugin of a level that no host of today loads is hosted, too, in the words of its level. With C<alone> the
process makes the calls itself and is never forked, for plugins that do not survive a fork.

=head2 run

    my $status = $sidecar->run;

Returns the exit status. A plugin that cannot be hosted is told to the daemon as C<rejected>, in one sentence with Perl's own
complaint. The daemon calls C<fork>, with the tokens of three descriptors, C<stdin>, C<stdout> and C<stderr>, and gets the
C<pid> of the child; and C<ended>, with the C<pid> of a child that has ended, and gets its C<signal> and C<status>.

=cut
