package Tenon::Test::Objects;

use v5.36;

package Tenon::Test::Words;

use overload '""' => sub ($self, @) { return $self->{text} }, fallback => 1;

sub new ($class, $text) {
    return bless { text => $text }, $class;
}

package Tenon::Test::Falsehood;

use overload 'bool' => sub { return !!0 }, '""' => sub { return 'false' }, fallback => 1;

sub new ($class) {
    return bless {}, $class;
}

package Tenon::Test::LateFacts;

sub TIEHASH ($class, $wait) {
    return bless { wait => $wait }, $class;
}

sub FIRSTKEY ($self) {
    $self->{wait}->();
    return;
}

1;

__END__

=head1 NAME

Tenon::Test::Objects - odd values for tests

=head1 DESCRIPTION

C<Tenon::Test::Words> has a text, C<Tenon::Test::Falsehood> is false. A hash tied to C<Tenon::Test::LateFacts> is empty and
runs some code before it tells so; as the facts of a hello it runs between the connection and the hello.

=cut
