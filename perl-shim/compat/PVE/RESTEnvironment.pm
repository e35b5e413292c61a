package PVE::RESTEnvironment;

use v5.36;

use Exporter qw(import);

use PVE::SafeSyslog ();

our @EXPORT_OK = qw(log_warn);

my $environment;

sub init {
    my ($class, $type, %params) = @_;

    $environment = bless { type => $type // 'cli', user => 'root@pam', %params }, $class;
    return $environment;
}

sub setup_default_cli_env {
    my ($class, $username) = @_;

    $class->init('cli')->set_user($username // 'root@pam');
    return;
}

sub get {
    my ($class) = @_;

    return $environment // $class->init('cli');
}

sub get_type {
    my ($self) = @_;

    return $self->{type};
}

sub get_user {
    my ($self) = @_;

    return $self->{user};
}

sub set_user {
    my ($self, $user) = @_;

    $self->{user} = $user;
    return;
}

sub is_worker {
    return 0;
}

sub fork_worker {
    die
"PVE::RESTEnvironment::fork_worker is not offered by Tenon's compat layer, which has no task"
        . " log; run the work in the call itself\n";
}

sub log_warn {
    my ($message) = @_;

    chomp($message);
    local ($\, $,);
    print STDERR "WARN: $message\n";
    PVE::SafeSyslog::syslog('warning', '%s', $message);
    return 1;
}

sub warn { ## no critic (ProhibitBuiltinHomonyms)
    my ($self, $message) = @_;

    return log_warn($message);
}

1;

__END__

=head1 NAME

PVE::RESTEnvironment - who calls, and warnings

=head1 SYNOPSIS

    use PVE::RESTEnvironment qw(log_warn);

    log_warn('the pool is nearly full');

=head1 DESCRIPTION

Part of Tenon's compat layer. The user is C<root@pam>, and no call runs as a task.

=head1 FUNCTIONS

=head2 log_warn

    log_warn($message);

A line C<< WARN: <message> >> on standard error, and one in the system's log.

=head1 METHODS

=head2 get, init, setup_default_cli_env

    my $environment = PVE::RESTEnvironment->get;

The one environment of this process; PVE dies if nobody called C<init> before.

=head2 get_user, set_user, get_type, is_worker, warn

C<is_worker> is 0, also as a class method; C<warn> is C<log_warn> as a method.

=head2 fork_worker

Dies: there are no tasks.

=cut
