package Tenon::Cleanup;

use v5.36;

my %KEPT;
my $counter = 0;

sub keep ($code) {
    my $token = sprintf('%d-%d', $$, ++$counter);
    $KEPT{$token} = $code;
    return $token;
}

sub take ($token) {
    return delete $KEPT{ $token // '' };
}

1;

__END__

=head1 NAME

Tenon::Cleanup - work that a plugin left for later

=head1 DESCRIPTION

C<free_image> may return a code ref, for instance to overwrite what was on the volume, which PVE runs in a worker after the
lock is released. It stays in the process of the plugin; what crosses is a token that can be claimed once.

=head1 FUNCTIONS

=head2 keep

    my $token = Tenon::Cleanup::keep($code);

=head2 take

    my $code = Tenon::Cleanup::take($token);

The code ref, once; undef if the token is unknown or was taken before.

=cut
