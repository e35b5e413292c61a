package Tenon::Base;

use v5.36;

use List::Util qw(min);
use Scalar::Util qw(reftype);

use Tenon::Api;
use Tenon::Schema;

# Where the calls of inherited methods go; set by the sidecar.
our $SESSION;

sub call ($class, $name, $want, @args) {

    # The class of a storage in Java, in a program that has no PVE.
    return $class->tenon_call($name, $want, @args) if !$SESSION && $class->can('tenon_call');
    my $session = $SESSION // die "$name: the base class of $class is answered by Tenon's daemon,"
        . " and this process is no sidecar of one; run it on a PVE host or through 'tenon'\n";
    die
"$name: a forked child of the plugin $class cannot call its base class; return to the parent first\n"
        if !$session->usable;
    my $api = Tenon::Api->load;
    my $method = $api->method($name);
    local %Tenon::Callback::CODE = %Tenon::Callback::CODE;
    my $known = $api->params_at($method, $api->newest);
    my @public = @args;

    for my $i (grep { $known->[$_]->{kind} eq 'section' } 0 .. min($#args, $known->$#*)) {
        $public[$i] = _without_private($args[$i]);
    }
    my $params = Tenon::Schema::params_to_wire($api, $method, $api->newest, \@public);
    my ($wire, $is_read) = $session->call(
        $name, $params,
        plugin => 'base',
        seconds => $method->{deadline},
        list => scalar(Tenon::Schema::list_of($method)),
    );
    return Tenon::Schema::answer_from_wire($api, $method, \@args, $wire, $want, $is_read);
}

# A function that the daemon handed over with a call.
sub callback ($id, @args) {
    my $session = $SESSION // die "a function of Tenon's daemon was called in another process\n";
    die "a forked child of the plugin cannot call a function that its parent was given\n"
        if !$session->usable;
    my $result = eval {
        [$session->call('callback', { id => 0 + $id, args => Tenon::Schema::tree(\@args) })]
    };
    return $result->[0] if $result;
    my $err = $@;
    die ref($err) && $err->isa('Tenon::Error') ? $err->text : $err;
}

# Plugins keep connections and code in their section; those are not part of the configuration.
sub _without_private ($scfg) {
    return $scfg if (reftype($scfg) // '') ne 'HASH';
    local $@;
    my @private = grep {
        ref($scfg->{$_}) && !eval { Tenon::Schema::tree($scfg->{$_}); 1 }
    } keys $scfg->%*;
    return $scfg if !@private;
    my %public = $scfg->%*;
    delete @public{@private};
    return \%public;
}

1;

__END__

=head1 NAME

Tenon::Base - the base class methods that Java answers

=head1 DESCRIPTION

On a machine without PVE the methods that a plugin inherits are answered by the Java core. The class
C<PVE::Storage::Plugin> of the compat layer sends them here. Java calls the plugin's own methods where PVE's base class
would.

=head1 FUNCTIONS

=head2 call

    return Tenon::Base::call($class, $method, wantarray, @args);

Calls the base class method with its positional arguments (of the newest level, without the class; trailing ones may be missing).
What a plugin keeps in its section and cannot cross, such as an object, stays here. Dies with the
error's text.

=head2 callback

    my $result = Tenon::Base::callback($id, @args);

Runs a function that the daemon handed over with a call that is under way, and returns what it returns. Dies with the
error's text.

=cut
