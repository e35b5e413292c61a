package Tenon::Error;

use v5.36;

use overload '""' => \&text, 'bool' => sub { return 1 }, fallback => 1;

use File::Basename qw(dirname);
use JSON::PP ();
use Scalar::Util qw(blessed reftype);

my $ROWS;

sub _rows () {
    return $ROWS //= do {
        my $file = resource('errors.json');
        open(my $fh, '<:raw', $file) or die "cannot read the table of errors '$file': $!\n";
        local $/ = undef;
        +{ map { $_->{name} => $_->{code} } JSON::PP->new->utf8->decode(<$fh>)->@* };
    };
}

sub code_of ($name) {
    my $code = _rows()->{$name} // die "there is no error named '$name'\n";
    return 0 + $code; # a number that was compared as text would be packed as text
}

sub name_of ($code) {
    my $rows = _rows();
    my ($name) = grep { defined($code) && $rows->{$_} eq $code } keys $rows->%*;
    return $name // 'INTERNAL';
}

# The data files lie where TENON_PROTO_DIR says, in an installation beside the libraries, and in a checkout beside the Java
# sources.
sub resource ($name) {
    my $dir = $ENV{TENON_PROTO_DIR};
    return "$dir/$name" if defined($dir);
    my $shim = dirname(__FILE__) . '/../..';
    return -e "$shim/proto/$name"
        ? "$shim/proto/$name"
        : "$shim/../proto/src/main/resources/dev/tenon/proto/$name";
}

sub new ($class, $name, $outcome, $message, %more) {
    return bless { name => $name, outcome => $outcome, message => $message, %more }, $class;
}

sub throw ($class, @args) {
    die $class->new(@args);
}

# The last byte of a character may be a space on its own, so only ASCII spaces go.
sub of_plugin ($class, $text, %more) {
    my $message = $text =~ s/\s+\z//ar;
    $message = 'the plugin died without a text' if !length($message);
    %more = (die => $text, origin => 'sidecar', %more);
    return $class->new('PLUGIN_DIED', 'UNKNOWN', $message, %more);
}

sub refusal ($self, $name) {
    my $fitting = $self->{name} eq 'PLUGIN_DIED' ? $name // 'PLUGIN_DIED' : $self->{name};
    return $self->with(name => $fitting, outcome => 'NOT_STARTED');
}

sub text_of ($err) {
    return _said($err) // 'the plugin died with an object that has no text';
}

# Methods by which error classes describe what happened; those that Perl itself would use come first.
my @WORDS = qw(to_string as_string stringify message msg text error);

# The message of an object, where Perl would print its class and address.
sub _said ($err) {
    return '' if !defined($err);
    return "$err" if !blessed($err);
    my $text = overload::Method($err, '""') ? eval { "$err" } : undef;
    return $text if defined($text) && !ref($text) && length($text);
    for my $name (@WORDS) {
        my $word = $err->can($name) ? eval { $err->$name } : undef;
        return "$word" if defined($word) && !ref($word) && length($word);
    }
    if ((reftype($err) // '') eq 'HASH') {
        for my $name (@WORDS) {
            my $word = $err->{$name};
            return $word if defined($word) && !ref($word) && length($word);
        }
    }
    return $text // eval { "$err" };
}

sub changed ($self) {
    return $self->{changed};
}

sub die_text ($self) {
    return $self->{die};
}

sub exception ($self) {
    return $self->{exception};
}

sub message ($self) {
    return $self->{message};
}

sub name ($self) {
    return $self->{name};
}

sub origin ($self) {
    return $self->{origin} // 'client';
}

sub outcome ($self) {
    return $self->{outcome};
}

sub unknown ($self) {
    return $self->with(outcome => 'UNKNOWN');
}

sub with ($self, %fields) {
    return bless { $self->%*, %fields }, ref($self);
}

sub text ($self, @) {
    return $self->{die} if defined($self->{die});
    return "$self->{message}\n";
}

1;

__END__

=head1 NAME

Tenon::Error - an error with a name and an outcome

=head1 SYNOPSIS

    my $sizes = eval { $client->call('list_images', \%params) };
    if (my $err = $@) {
        die $err if !ref($err) || $err->outcome ne 'NOT_STARTED';
        ...
    }

=head1 DESCRIPTION

What L<Tenon::Client> and L<Tenon::Session> die with. As a string it is what PVE would show: the plugin's own C<die> text
to the byte if it came from a plugin, otherwise the message with a newline.

=head1 METHODS

=head2 new

    my $err = Tenon::Error->new($name, $outcome, $message, %more);

C<$name> is a row of F<docs/ERRORS.md>, C<$outcome> one of C<NOT_STARTED>, C<FAILED_CLEAN>, C<UNKNOWN>, C<$message> one
sentence without a newline. C<%more>: C<die> (the text of a plugin's die), C<exception> (the fields of a structured
exception), C<origin>, C<changed> (parameters that the plugin changed in place before it died, by name).

=head2 throw

    Tenon::Error->throw($name, $outcome, $message, %more);

Dies with a new error.

=head2 of_plugin

    die Tenon::Error->of_plugin($text, exception => \%fields);

What a plugin died with: the message is its text without the end of the line.

=head2 changed, die_text, exception, message, name, origin, outcome, text

What the error holds; C<die_text> and C<exception> are undef unless a plugin died, C<exception> also if it died with
plain text. C<changed> has the parameters that the plugin changed in place, by name, undef if there are none.

=head2 refusal

    die $err->refusal('INVALID_NAME');

The error of a method that touches no storage: its outcome is C<NOT_STARTED>, and its name this one if it is that of a plugin
that died, or stays if none is given.

=head2 with, unknown

    die $err->unknown;

The same error from a caller that has done more than the call that failed: its outcome is C<UNKNOWN>.

=head1 FUNCTIONS

=head2 text_of

    my $text = Tenon::Error::text_of($@);

The text of any value that code died with, even undef or an object without a text. An object is asked for its message, for
instance by its method C<message>.

=head2 code_of

    my $number = Tenon::Error::code_of('BAD_PARAMETER');

The number on the wire. Dies if there is no such row.

=head2 name_of

    my $name = Tenon::Error::name_of(65537);

The row with this number on the wire; C<INTERNAL> for an unknown number, which a newer side may send.

=head2 resource

    my $file = Tenon::Error::resource('storage-plugin.json');

The path of a data file that both languages read.

=cut
