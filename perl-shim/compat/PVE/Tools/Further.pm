package PVE::Tools; ## no critic (RequireFilenameMatchesPackage)

# The functions of PVE::Tools that need no more than a few lines; PVE/Tools.pm loads this file.

use v5.36;

use JSON::PP ();
use List::Util qw(uniq);
use POSIX ();
use Scalar::Util qw(reftype);

our ($IPV4RE, $IPV6RE);

# ---- space

sub df {
    my ($path, $timeout) = @_;

    my %space = (total => 0, used => 0, avail => 0);
    eval {
        run_command(
            ['df', '-B1', '--output=size,used,avail', '--', $path],
            timeout => $timeout,
            outfunc => sub {
                @space{qw(total used avail)} = ($1, $2, $3)
                    if $_[0] =~ m/\A\s*([0-9]+)\s+([0-9]+)\s+([0-9]+)\s*\z/;
            },
            errfunc => sub { },
        );
    };
    warn $@ if $@ =~ m/timeout/;
    return \%space;
}

sub du {
    my ($path, $timeout) = @_;

    my $size;
    run_command(
        ['du', '-s', '-b', '-c', $path],
        timeout => $timeout // 10,
        outfunc => sub { $size = $1 if $_[0] =~ m/\A([0-9]+)\s+total\z/ },
    );
    return $size;
}

my %UNIT_POWERS = (b => 0, kb => 1, mb => 2, gb => 3, tb => 4, pb => 5);

sub convert_size {
    my ($value, $from, $to, $no_round_up) = @_;

    die "no value given\n" if ($value // '') eq '';
    my ($power, $wanted) = map { $UNIT_POWERS{ lc($_ // '') } } $from, $to;
    die "unknown 'from' and/or 'to' units (" . lc($from // '') . ' => ' . lc($to // '') . ")\n"
        if !defined($power) || !defined($wanted);
    die "value '$value' is not a valid, positive number\n"
        if $value !~ m/\A(?:[0-9]+\.?[0-9]*|\.[0-9]+)\z/;
    my $converted = $value * 1024**($power - $wanted);
    my $whole = int($converted);
    return $converted > $whole && !$no_round_up ? $whole + 1 : $whole;
}

# ---- text

sub shellquote {
    my ($text) = @_;
    return $text if defined($text) && $text =~ m{\A[\w\@%+=:,./-]+\z}a;
    return q(') . (($text // '') =~ s/'/'\\''/gr) . q(');
}

sub shell_quote {
    return shellquote(@_);
}

sub cmd2string {
    my ($command) = @_;

    die "no arguments\n" if !$command;
    return $command if !ref($command);
    return join(' ', map { shellquote($_) } $command->@*);
}

# One line, so that it can be in a configuration file.
sub encode_text {
    my ($text) = @_;

    my $bytes = "$text";
    utf8::encode($bytes);
    return $bytes =~ s/([%:\x00-\x1f\x7f-\xff])/sprintf('%%%02X', ord($1))/egr;
}

sub decode_text {
    my ($text) = @_;

    my $bytes = "$text" =~ s/%([0-9A-Fa-f]{2})/chr(hex($1))/egr;
    utf8::decode($bytes);
    return $bytes;
}

sub parse_host_and_port {
    my ($address) = @_;

    my $host = "(?:$IPV4RE|[[:alnum:].-]+)";
    return ($1, $2, 1) if $address =~ m/\A($host)(?::([0-9]+))?\z/;
    return ($1, $2, 1) if $address =~ m/\A\[($IPV6RE|$host)\](?::([0-9]+))?\z/;
    return ($1, $2, 1) if $address =~ m/\A($IPV6RE)(?:\.([0-9]+))?\z/;
    return;
}

# ---- values

sub safe_compare {
    my ($left, $right, $compare) = @_;

    return defined($left) <=> defined($right) if !defined($left) || !defined($right);
    return $compare->($left, $right);
}

sub array_intersect {
    my (@lists) = @_;

    @lists = ref($lists[0]) eq 'ARRAY' && ref(($lists[0] // [])->[0]) ? $lists[0]->@* : @lists;
    return [] if !@lists;
    return $lists[0] if @lists == 1;
    my %count;
    $count{$_}++ for map { uniq($_->@*) } @lists;
    return [grep { $count{$_} == @lists } uniq($lists[0]->@*)];
}

sub is_deeply {
    my ($left, $right) = @_;

    return defined($left) == defined($right) ? 1 : 0 if !defined($left) || !defined($right);
    my ($type, $other) = map { reftype($_) // '' } $left, $right;
    return 0 if $type ne $other;
    my @differing =
        $type eq 'HASH' ? grep { !exists($right->{$_}) || !is_deeply($left->{$_}, $right->{$_}) }
        keys $left->%*
        : $type eq 'ARRAY' ? grep { !is_deeply($left->[$_], $right->[$_]) } 0 .. $left->$#*
        : ($left eq $right ? () : $left);
    my $is_longer =
          $type eq 'HASH' ? keys $left->%* != keys $right->%*
        : $type eq 'ARRAY' ? $left->@* != $right->@*
        : 0;
    return @differing || $is_longer ? 0 : 1;
}

sub assert_if_modified {
    my ($digest, $wanted) = @_;

    die "detected modified configuration - file changed by other user? Try again.\n"
        if defined($digest) && defined($wanted) && $digest ne $wanted;
    return;
}

# ---- processes

# What the child says crosses as JSON; no END block and no DESTROY runs in it.
sub run_fork_with_timeout {
    my ($timeout, $code, $options) = @_;

    pipe(my $from, my $to) or die "pipe failed: $!\n";
    my $outer = alarm(0);
    my $pid = fork() // die "fork failed: $!\n";
    if (!$pid) {
        close($from);
        _exit_with_answer($to, $code);
    }
    close($to);
    my ($answer, $got_timeout, $error);
    my $interrupts = 0;
    {
        local $SIG{INT} = sub { $interrupts++ };
        local $SIG{TERM} = sub {
            $error //= "interrupted by unexpected signal\n";
            kill('TERM', $pid);
        };
        my $listen = sub {
            my $afterfork = $options && $options->{afterfork};
            $afterfork->($pid) if $afterfork;
            my ($text, $count) = ('');
            do {
                $count = sysread($from, $text, 65_536, length($text));
                die "cannot read from the child: $!\n" if !defined($count) && !$!{EINTR};
            } while (!defined($count) || $count);
            $answer = JSON::PP->new->allow_nonref->decode($text);
        };
        eval {
            if (defined($timeout)) {
                (undef, $got_timeout) = run_with_timeout($timeout, $listen);
                die "got timeout\n" if $got_timeout;
            } else {
                $listen->();
            }
            1;
        } or ($got_timeout && wantarray) or warn $@; ## no critic (RequireCarping)
        close($from);
        kill('KILL', $pid);
        waitpid($pid, 0);
    }
    alarm($outer) if $outer;
    die "interrupted by unexpected signal\n" if $interrupts;
    $error //= $answer->{error} if $answer;
    die $error if $error;
    my $result = $answer ? $answer->{result} : undef;
    return wantarray ? ($result, $got_timeout ? 1 : 0) : $result;
}

sub _exit_with_answer ($to, $code) {
    my $json = JSON::PP->new->ascii->allow_nonref;
    my $text = eval { $json->encode({ result => scalar($code->()) }) };
    my $failed = !defined($text);
    $text = $json->encode({ error => "$@" }) if $failed;
    while (length($text)) {
        my $count = syswrite($to, $text) // 0;
        last if !$count && !$!{EINTR};
        substr($text, 0, $count, '');
    }
    POSIX::_exit($failed ? 1 : 0);
}

sub run_fork {
    my ($code, $options) = @_;
    return run_fork_with_timeout(undef, $code, $options);
}

# ---- files

my $MOST_BYTES = 1024 * 1024;

sub safe_read_from {
    my ($fh, $max, $oneline, $filename) = @_;

    my $what = defined($filename) ? "file '$filename'" : 'input';
    my $text = '';
    while (my $count = sysread($fh, $text, 8192, length($text))
        // die "unable to read $what - $!\n") {
        die "$what too long - aborting\n" if length($text) > ($max || $MOST_BYTES);
        return $1 if $oneline && $text =~ m/\A(.*)\n/;
    }
    return $text;
}

# ---- devices

sub dev_t_major {
    my ($device) = @_;
    return (int($device) >> 8) & 0xfff;
}

sub dev_t_minor {
    my ($device) = @_;
    return (int($device) & 0xff) | ((int($device) >> 12) & 0xfff00);
}

1;

__END__

=head1 NAME

PVE::Tools::Further - the smaller functions of PVE::Tools

=head1 DESCRIPTION

Part of Tenon's compat layer, loaded by F<PVE/Tools.pm>, in whose package the functions are; written from observed
behaviour.

=head1 FUNCTIONS

=head2 df, du

    my $space = PVE::Tools::df($path, $timeout);
    my $bytes = PVE::Tools::du($path, $timeout);

C<df> returns a hash with C<total>, C<used> and C<avail> in bytes; for a path that cannot be read they are 0, and one that
does not answer in time gives a warning. C<du> dies in that case.

=head2 convert_size

    my $gib = PVE::Tools::convert_size($value, 'kb', 'gb', $no_round_up);

Units C<b>, C<kb>, C<mb>, C<gb>, C<tb>, C<pb>, all powers of 1024; rounds up unless told otherwise.

=head2 shellquote, shell_quote, cmd2string

A word, or the words of a command, as a shell reads them; a command that is text already stays as it is.

=head2 encode_text, decode_text

Text with C<%XX> in place of what is not plain ASCII, C<%> and C<:>, and back.

=head2 parse_host_and_port

    my ($host, $port, $good) = PVE::Tools::parse_host_and_port($address);

Nothing if it is no address.

=head2 safe_compare, array_intersect, is_deeply, assert_if_modified

Values: a comparison in which undef is the smallest; what is in all arrays; whether two structures are equal; dies if two
digests differ.

=head2 run_fork, run_fork_with_timeout

    my $result = PVE::Tools::run_fork($code, $options);
    my ($result, $late) = PVE::Tools::run_fork_with_timeout($seconds, $code, $options);

Runs code in a child and returns what it returns, which crosses as JSON; its C<die> is one here, as text. A child that is
late is killed: that is a warning in scalar context. A child that ends without a word gives undef, with a warning.
C<< $options->{afterfork} >> is called with its pid.

=head2 safe_read_from

    my $text = PVE::Tools::safe_read_from($fh, $max, $oneline, $filename);

Everything, or the first line. Dies of more than C<$max> bytes, 1 MiB if none is given.

=head2 dev_t_major, dev_t_minor

=cut
