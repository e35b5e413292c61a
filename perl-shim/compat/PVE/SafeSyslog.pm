package PVE::SafeSyslog;

use v5.36;

use Encode ();
use Exporter qw(import);
use Sys::Syslog ();

our @EXPORT = qw(syslog initlog); ## no critic (ProhibitAutomaticExportation)

my %LEVELS = (
    (map { $_ => $_ } qw(emerg alert crit err warning notice info debug)),
    error => 'err',
    panic => 'emerg',
    warn => 'warning',
);

sub initlog {
    my ($tag, $facility) = @_;

    _quietly(sub { Sys::Syslog::openlog($tag // 'tenon', 'pid', $facility // 'daemon') });
    return;
}

sub syslog {
    my ($level, $format, @args) = @_;

    $level = $LEVELS{ lc($level // '') } // 'info';
    $format //= '';
    my $text = _quietly(sub { @args ? sprintf($format, @args) : $format }) // $format;
    $text = Encode::encode('UTF-8', $text) if utf8::is_utf8($text);

    # Without a log service the text still goes to standard error.
    _quietly(sub { Sys::Syslog::syslog($level, '%s', $text); 1 }) or print STDERR "$level: $text\n";
    return;
}

sub _quietly ($code) {
    local ($@, $!, $?);
    local $SIG{__DIE__};
    local $SIG{__WARN__} = sub { };
    return eval { $code->() };
}

1;

__END__

=head1 NAME

PVE::SafeSyslog - a log call that never dies

=head1 SYNOPSIS

    use PVE::SafeSyslog;

    syslog('warning', 'pool %s is nearly full', $pool);

=head1 DESCRIPTION

Part of Tenon's compat layer. Exports both functions by default, as PVE does.

=head1 FUNCTIONS

=head2 syslog

    syslog($level, $format, @args);

Sends a line to the system's log, or to standard error if there is none. The levels C<warn> and C<error> are accepted as
well; an unknown one counts as C<info>. Never dies.

=head2 initlog

    initlog($tag, $facility);

=cut
