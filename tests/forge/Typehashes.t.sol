// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {FecTable} from "../../contracts/libraries/FecTable.sol";
import {PaymentHash} from "../../contracts/libraries/PaymentHash.sol";
import {IPaymentProcessor, Setup} from "./Setup.sol";

/// @dev What an EIP-5267 contract says of its domain.
interface IDomain {
    function eip712Domain()
        external
        view
        returns (bytes1, string memory, string memory, uint256, address, bytes32, uint256[] memory);
}

/// @dev Hashes that stand in the code as numbers, and the domains that wallets show.
contract TypehashesTest is Setup {
    string private constant PAYMENT =
        "Payment(uint32 merchant,uint32 program,uint64 amount,address payer,bytes32 order,uint40 validAfter,uint40 validBefore)";
    string private constant REFUND =
        "Refund(uint32 merchant,uint32 program,uint64 paid,address payer,bytes32 order,uint24 start,uint64 amount,uint64 refunded,uint40 validAfter,uint40 validBefore)";

    function test_aPaymentsTypehash() public pure {
        vm.assertEq(PaymentHash.TYPEHASH, keccak256(bytes(PAYMENT)), "Payment");
    }

    function test_theFecTablesHash() public pure {
        vm.assertEq(FecTable.HASH, keccak256(FecTable.TABLE), "FEC");
        vm.assertEq(FecTable.TABLE.length, 99 * 24, "an entry for each period but the last");
    }

    /// @dev A program that was opened with the table reads it in the code, and says the same as where it was written.
    function test_theTableInTheCodeIsTheOneThatWasOpened() public view {
        vm.assertEq(programs.releaseTable(fec), FecTable.TABLE, "table");
        vm.assertTrue(node.rulesOf(fec).hasFecTable() && !node.rulesOf(fund).hasFecTable(), "marks");
    }

    function test_theDomains() public view {
        isDomain(address(token), "chainpoints");
        isDomain(address(node), "chainpoints release node");
        isDomain(address(processor), "chainpoints payments");
    }

    /// @dev A signature over each message, written out by hand, is taken.
    function test_theMessagesOfTheNodesAndTheToken() public {
        bytes32 typehash = keccak256(
            "ClaimApproval(address owner,address delegate,address to,uint64 cap,uint40 deadline,uint256 nonce)"
        );
        uint40 until = type(uint40).max;
        bytes32 hash = keccak256(abi.encode(typehash, alice, bob, shop, uint64(5), until, 0));
        bytes32 nodes = domainOf(address(node), "chainpoints release node");
        node.permitClaim(alice, bob, shop, 5, until, sign(ALICE_KEY, nodes, hash));
        (uint64 cap,) = node.claimAllowance(alice, bob, shop);
        vm.assertEq(cap, 5, "ClaimApproval");

        uint256 id = paid(alice, fec, POINT, "1");
        vm.warp(unlock(fec));
        vm.prank(alice);
        node.give(id, shop, until);
        hash = keccak256(abi.encode(keccak256("Gift(uint256 id,address to)"), id, bob));
        node.take(id, bob, sign(SHOP_KEY, nodes, hash));
        vm.assertEq(node.ownerOf(id), bob, "Gift");

        typehash = keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
        hash = keccak256(abi.encode(typehash, alice, bob, 6, 0, uint256(until)));
        token.permit(alice, bob, 6, until, sign(ALICE_KEY, domainOf(address(token), "chainpoints"), hash));
        vm.assertEq(token.allowance(alice, bob), 6, "Permit");
        vm.assertEq(token.DOMAIN_SEPARATOR(), domainOf(address(token), "chainpoints"), "domain");
    }

    function test_T14_theDomainsFollowTheChainId() public {
        IPaymentProcessor.Payment memory payment = paymentOf(alice, fec, POINT, "1");
        bytes32 before = processor.paymentHash(payment, 0, 1);
        vm.chainId(4242);
        vm.assertTrue(processor.paymentHash(payment, 0, 1) != before, "another hash");
        isDomain(address(token), "chainpoints");
        isDomain(address(node), "chainpoints release node");
        isDomain(address(processor), "chainpoints payments");
        vm.assertEq(token.DOMAIN_SEPARATOR(), domainOf(address(token), "chainpoints"), "domain");
    }

    /// @dev The words that are copied are what abi.encode writes, whatever they hold.
    function testFuzz_T14_aPaymentsHash(IPaymentProcessor.Payment calldata payment, uint40 from, uint40 until)
        public
        view
    {
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256(bytes(PAYMENT)),
                payment.merchant,
                payment.program,
                payment.amount,
                payment.payer,
                payment.order,
                from,
                until
            )
        );
        bytes32 hash = keccak256(abi.encodePacked(hex"1901", domain(), structHash));
        vm.assertEq(processor.paymentHash(payment, from, until), hash, "hash");
    }

    function testFuzz_T14_aRefundsHash(
        IPaymentProcessor.Payment calldata payment,
        uint24 start,
        uint64 amount,
        uint40 from,
        uint40 until
    ) public view {
        bytes memory terms = abi.encode(
            keccak256(bytes(REFUND)), payment.merchant, payment.program, payment.amount, payment.payer, payment.order
        );
        bytes32 structHash = keccak256(bytes.concat(terms, abi.encode(start, amount, uint64(0), from, until)));
        bytes32 hash = keccak256(abi.encodePacked(hex"1901", domain(), structHash));
        vm.assertEq(processor.refundHash(payment, start, amount, from, until), hash, "hash");
    }

    /// @dev What is kept of a payment binds each of its terms and the start.
    function test_T16_theCommitment() public {
        paid(alice, fec, 3 * POINT, "1");
        IPaymentProcessor.Payment memory payment = paymentOf(alice, fec, 3 * POINT, "1");
        (bytes24 commitment,,) = processor.orderOf(SHOP, "1");
        bytes32 hash = keccak256(
            abi.encode(payment.merchant, payment.program, payment.amount, payment.payer, payment.order, uint24(1))
        );
        vm.assertEq(bytes32(commitment), bytes32(bytes24(hash)), "commitment");
    }

    function isDomain(address place, string memory name) private view {
        (
            bytes1 fields,
            string memory named,
            string memory version,
            uint256 chain,
            address verifying,
            bytes32 salt,
            uint256[] memory extensions
        ) = IDomain(place).eip712Domain();
        vm.assertTrue(fields == 0x0f && salt == 0 && extensions.length == 0, "fields");
        vm.assertEq(named, name, "name");
        vm.assertEq(version, "1", "version");
        vm.assertEq(chain, block.chainid, "chain");
        vm.assertEq(verifying, place, "contract");
    }

    function domainOf(address place, string memory name) private view returns (bytes32) {
        bytes32 typehash =
            keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
        return keccak256(abi.encode(typehash, keccak256(bytes(name)), keccak256("1"), block.chainid, place));
    }
}
