package PVE::Exception;

use v5.36;

use Exporter qw(import);
use overload '""' => sub { $_[0]->stringify }, 'bool' => sub { 1 }, fallback => 1;

our @EXPORT_OK = qw(raise raise_param_exc raise_perm_exc);

sub new {
    my ($class, $msg, %more) = @_;

    return bless { msg => $msg, %more }, ref($class) || $class;
}

sub raise {
    my ($msg, %more) = @_;

    my (undef, $filename, $line) = caller(0);
    die __PACKAGE__->new($msg, filename => $filename, line => $line, %more);
}

sub raise_param_exc {
    my ($errors, $usage) = @_;

    my (undef, $filename, $line) = caller(0);
    my %more = (filename => $filename, line => $line, code => 400, errors => $errors);
    $more{usage} = $usage if defined($usage);
    die __PACKAGE__->new("Parameter verification failed.\n", %more);
}

sub raise_perm_exc {
    my ($what) = @_;

    my (undef, $filename, $line) = caller(0);
    my $msg = 'Permission check failed' . (defined($what) ? " ($what)" : '') . "\n";
    die __PACKAGE__->new($msg, filename => $filename, line => $line, code => 403);
}

sub is_param_exc {
    my ($self) = @_;

    return defined($self->{code}) && $self->{code} == 400;
}

# Called by Perl for a bare `die` while this object is in $@.
sub PROPAGATE {
    my ($self, $filename, $line) = @_;

    push $self->{propagate}->@*, [$filename, $line];
    return $self;
}

sub stringify {
    my ($self) = @_;

    my $text = defined($self->{code}) ? "$self->{code} $self->{msg}" : "$self->{msg}";
    if ($text !~ m/\n\z/) {
        $text .= " at $self->{filename} line $self->{line}" if defined($self->{filename});
        $text .= "\n";
        $text .= "\t...propagated at $_->[0] line $_->[1]\n" for ($self->{propagate} // [])->@*;
    }
    my $errors = $self->{errors} // {};
    $text .= "$_: $errors->{$_}\n" for sort keys $errors->%*;
    $text .= $self->{usage} if defined($self->{usage});
    $text .= "\n" if $text !~ m/\n\z/;
    return $text;
}

1;

__END__

=head1 NAME

PVE::Exception - errors with a code and fields

=head1 SYNOPSIS

    use PVE::Exception qw(raise raise_param_exc);

    raise_param_exc({ portal => 'does not answer' });

=head1 DESCRIPTION

Part of Tenon's compat layer. An exception is a hash with C<msg>, and where known C<code>,
C<errors>, C<usage>, C<filename> and C<line>. As text it is the code, the message and one line for
each field in C<errors>.

=head1 FUNCTIONS

=head2 raise, raise_param_exc, raise_perm_exc

    raise($msg, %more);
    raise_param_exc(\%errors, $usage);
    raise_perm_exc($what);

Die with an exception that remembers the caller's file and line; the latter two with code 400 and
403.

=head1 METHODS

=head2 new, stringify, is_param_exc

    my $exception = PVE::Exception->new($msg, %more);

=cut
