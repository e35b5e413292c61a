package Tenon::Callback;

use v5.36;

use Tenon::Error;
use Tenon::Schema;

# The functions that the call under way handed over, by number.
our %CODE;
my $counter = 0;

sub id_of ($code) {
    my $id = ++$counter;
    $CODE{$id} = $code;
    return 0 + $id;
}

sub run ($params) {
    my $id = $params->{id};
    my $code = $CODE{ $id // '' } // Tenon::Error->throw('BAD_PARAMETER', 'NOT_STARTED',
        'the function ' . ($id // 'undef') . ' belongs to no call that is under way');
    my $result = $code->(($params->{args} // [])->@*);
    return Tenon::Schema::tree($result);
}

1;

__END__

=head1 NAME

Tenon::Callback - code refs that the far side of a call runs

=head1 DESCRIPTION

A code ref cannot cross, such as the log function of C<prune_backups>; what crosses is a number. While the call waits for
its answer, the far side may run the function by a call of its own. After the answer the number means nothing.

=head1 FUNCTIONS

=head2 id_of

    local %Tenon::Callback::CODE;
    my $id = Tenon::Callback::id_of($code);

A number for this code ref, valid within the caller's C<local>.

=head2 run

    my $wire = Tenon::Callback::run($params);

Answers the far side's C<callback>: runs the function C<id> with C<args> in scalar context. Dies as it does, or with
C<BAD_PARAMETER> if there is no such function.

=cut
