package PVE::Tools; ## no critic (RequireFilenameMatchesPackage)

# The functions of PVE::Tools that need no more than a few lines; PVE/Tools.pm loads this file.

use v5.36;

use List::Util qw(uniq);
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

# Of one line, so that it can stand in a configuration file.
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

C<df> returns a hash with C<total>, C<used> and C<avail> in bytes; of a path that cannot be read they are 0, and
that it did not answer in time is a warning. C<du> dies of that.

=head2 convert_size

    my $gib = PVE::Tools::convert_size($value, 'kb', 'gb', $no_round_up);

Units C<b>, C<kb>, C<mb>, C<gb>, C<tb>, C<pb>, all powers of 1024; rounds up unless told.

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

=head2 dev_t_major, dev_t_minor

=cut
